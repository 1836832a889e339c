import { expect, test } from '@playwright/test'
import { accessible, signIn } from './people'

const plan = {
  name: '办件回访', line: '12340', mode: 'preview', hours: ['daily 00:00-24:00'],
  questionnaire: {
    questions: [
      { name: 'solved', kind: 'single', text: '您反映的问题是否已经解决?', options: [{ name: 'yes', text: '是' }, { name: 'no', text: '否' }], skips: [{ if: ['no'], to: 'why' }] },
      { name: 'score', kind: 'scale', text: '请为办理打分', min: 1, max: 5 },
      { name: 'why', kind: 'open', text: '还有什么要说', free: true },
    ],
  },
}

test('an operator asks a survey that a lead has started, and the lead sees what was answered', async ({ page, browser }) => {
  const lead = await (await browser.newContext({ locale: 'zh-CN', viewport: { width: 1366, height: 768 } })).newPage()
  await signIn(lead, 'lead1')
  const made = await lead.request.post('/api/v1/campaigns', { data: plan, headers: { 'Sec-Fetch-Site': 'same-origin' } })
  expect(made.status()).toBe(200)
  const { id } = await made.json()
  const added = await lead.request.post(`/api/v1/campaigns/${id}/contacts`, {
    data: { contacts: [{ number: '14212340001', name: '王小明', facts: { 工单: 'T1' } }, { number: '14212340002', name: '李四' }] }, headers: { 'Sec-Fetch-Site': 'same-origin' },
  })
  expect((await added.json()).added).toBe(2)
  await lead.getByRole('link', { name: '调查' }).click()
  await lead.locator('[data-test=campaign]').selectOption(id)
  await lead.locator('[data-test=start]').click()
  await expect(lead.locator('[data-test=pause]')).toBeVisible()
  await accessible(lead)

  await signIn(page, 'agent1')
  await page.getByRole('link', { name: '调查' }).click()
  await page.locator('[data-test=campaign]').selectOption(id)
  await page.locator('[data-test=next]').click()
  const card = page.locator('[data-test=contact]')
  await expect(card).toContainText('王小明')
  await expect(card).toContainText('142****0001')
  await expect(card).toContainText('T1')
  await expect(card.locator('[data-test=save]')).toBeDisabled()
  await card.getByLabel('否', { exact: true }).check()
  await expect(card.locator('[data-test=question-why]')).toBeVisible()
  await expect(card.locator('[data-test=question-score]')).toHaveCount(0)
  await card.getByLabel('是', { exact: true }).check()
  await expect(card.locator('[data-test=question-why]')).toHaveCount(0)
  await card.getByLabel('请为办理打分').selectOption('4')
  await card.locator('[data-test=skip-why]').click()
  await accessible(page)
  await card.locator('[data-test=save]').click()
  await expect(page.locator('[data-test=next]')).toBeVisible()
  await page.locator('[data-test=next]').click()
  await expect(card).toContainText('李四')
  await card.locator('[data-test=outcome]').selectOption('refused')
  await card.locator('[data-test=save]').click()
  await expect(page.locator('[data-test=results]')).toContainText('是 1')

  await lead.reload()
  await lead.locator('[data-test=campaign]').selectOption(id)
  await expect(lead.locator('[data-test=results]')).toContainText('平均 4.00')
  await lead.context().close()
})
