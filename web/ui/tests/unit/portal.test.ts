import { mount } from '@vue/test-utils'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { createMemoryHistory, createRouter } from 'vue-router'
import { checkQuery, checkReport, type ReportForm } from '../../src/portal/checks'
import Report from '../../src/portal/pages/Report.vue'
import { en, zh } from '../../src/portal/texts'
import { makeI18n } from '../../src/shared/i18n'

const good: ReportForm = {
  type: 'complaint', title: '路灯不亮', description: '兴隆街路灯不亮三天了', district: '', address: '', name: '', phone: '138 1234 5678',
  anonymous: false, confidential: false,
}

describe('checkReport', () => {
  it('finds nothing wrong with a full form', () => expect(checkReport(good)).toEqual({}))
  it('asks no phone of the anonymous', () => expect(checkReport({ ...good, phone: '', anonymous: true })).toEqual({}))
  it.each([
    ['type-complaint', { type: '' }],
    ['title', { title: '  ' }],
    ['description', { description: '路灯' }],
    ['phone', { phone: '12345' }],
  ])('names the field %s', (field, change) => expect(Object.keys(checkReport({ ...good, ...change }))).toEqual([field]))
})

it('knows numbers and codes', () => {
  expect(checkQuery(' 20261122-000318 ', 'AB12CD34')).toEqual({})
  expect(Object.keys(checkQuery('318', 'short'))).toEqual(['number', 'code'])
})

describe('Report', () => {
  const answers: Response[] = []
  const sent: { key: string; body: unknown }[] = []
  beforeEach(() => {
    localStorage.setItem('hotline.language', 'zh')
    answers.length = sent.length = 0
    vi.stubGlobal('fetch', async (url: string, init?: RequestInit) => {
      if (url.endsWith('/districts')) return new Response('{"items":[]}')
      sent.push({ key: (init?.headers as Record<string, string>)['Idempotency-Key']!, body: JSON.parse(String(init?.body)) })
      const next = answers.shift()
      if (!next) throw new TypeError('no network')
      return next
    })
  })
  afterEach(() => vi.unstubAllGlobals())

  const open = () =>
    mount(Report, {
      attachTo: document.body,
      global: {
        plugins: [makeI18n(zh, en), createRouter({ history: createMemoryHistory(), routes: [{ path: '/:any(.*)*', component: { template: '' } }] })],
      },
    })
  const fill = async (page: ReturnType<typeof open>) => {
    await page.get('#type-complaint').setValue()
    await page.get('#title').setValue(good.title)
    await page.get('#description').setValue(good.description)
    await page.get('#phone').setValue(good.phone)
  }

  it('shows every fault, links to the fields and sends nothing', async () => {
    const page = open()
    await page.get('form').trigger('submit')
    expect(page.findAll('.summary a').map((a) => a.attributes('href'))).toEqual(['#type-complaint', '#title', '#description', '#phone'])
    expect(sent).toEqual([])
    expect(document.title).toContain('错误')
    page.unmount()
  })

  it('sends the same key again when the answer was lost, and shows number and code', async () => {
    const page = open()
    await fill(page)
    await page.get('form').trigger('submit')
    await vi.waitFor(() => expect(page.get('[role=alert]').text()).toContain('网络不通'))
    answers.push(new Response('{"number":"20261122-000318","query_code":"AB12CD34"}', { status: 201 }))
    await page.get('form').trigger('submit')
    await vi.waitFor(() => expect(page.get('[data-test=number]').text()).toBe('20261122-000318'))
    expect(page.get('[data-test=code]').text()).toBe('AB12CD34')
    expect(sent[0]!.key).toBe(sent[1]!.key)
    expect(sent[1]!.body).toMatchObject({ citizen: { phone: '13812345678' }, appeal: { type: 'complaint' } })
    page.unmount()
  })
})

it('has the same texts in both languages', () => {
  const keys = (o: object, at = ''): string[] => Object.entries(o).flatMap(([k, v]) => (typeof v === 'object' ? keys(v, at + k + '.') : [at + k]))
  expect(keys(en)).toEqual(keys(zh))
})
