/** What is wrong with a form, by the id of the field, as keys of the texts. */
export type Faults = Record<string, string>

export interface ReportForm {
  type: string
  title: string
  description: string
  district: string
  address: string
  name: string
  phone: string
  anonymous: boolean
  confidential: boolean
}

const phone = /^(1[3-9]\d{9}|0\d{2,3}-?\d{7,8})$/

export function checkReport(form: ReportForm): Faults {
  const faults: Faults = {}
  if (!form.type) faults['type-complaint'] = 'errors.type'
  if (!form.title.trim()) faults.title = 'errors.title'
  if ([...form.description.trim()].length < 5) faults.description = 'errors.description'
  if (!form.anonymous && !phone.test(form.phone.replace(/\s/g, ''))) faults.phone = 'errors.phone'
  return faults
}

export function checkQuery(number: string, code: string): Faults {
  const faults: Faults = {}
  if (!/^\d{8}-\d{6,}$/.test(number.trim())) faults.number = 'errors.number'
  if (!/^[0-9A-Za-z]{8}$/.test(code.trim())) faults.code = 'errors.code'
  return faults
}
