import type { Schemas } from '../api/client'

export type Spec = Schemas['ActionSpec']
export type Field = Schemas['FieldSpec']
export type Values = Record<string, unknown>

/** What a form starts with: a required yes or no is yes, a rating the best; the rest is empty. */
export function begin(fields: readonly Field[]): Values {
  const values: Values = {}
  for (const f of fields) {
    if (f.kind === 'flag' && f.required) values[f.name] = true
    if (f.kind === 'rating') values[f.name] = 5
    if (f.kind === 'days') values[f.name] = 1
    if (f.kind === 'parts') values[f.name] = [{ title: '', description: '', category: '' }]
  }
  return values
}

/** What is sent: empty fields are left out. */
export function sent(fields: readonly Field[], values: Values): Values {
  const out: Values = {}
  for (const f of fields) {
    const v = values[f.name]
    if (v === undefined || v === null || v === '' || (Array.isArray(v) && v.length === 0)) continue
    out[f.name] = v instanceof Date ? v.toISOString() : v
  }
  return out
}

/** The required fields that are still empty. */
export function missing(fields: readonly Field[], values: Values): Field[] {
  const own = sent(fields, values)
  return fields.filter((f) => f.required && own[f.name] === undefined)
}

/** What was kept of a form, with its moments as moments again. */
export function revive(fields: readonly Field[], kept: Values): Values {
  const out: Values = {}
  for (const f of fields) {
    const v = kept[f.name]
    if (v !== undefined) out[f.name] = f.kind === 'moment' && typeof v === 'string' ? new Date(v) : v
  }
  return out
}
