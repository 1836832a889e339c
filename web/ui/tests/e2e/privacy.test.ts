import { expect, test } from '@playwright/test'
import { readFileSync } from 'node:fs'
import { accessible, signIn, token } from './people'

test('a supervisor holds a ticket, releases it, exports it, and erases its citizen', async ({ browser, request }, info) => {
  const agent = await token(request, 'agent1')
  const phone = `138${String(Date.now()).slice(-8)}`
  const draft = await request.post('/api/v1/tickets', {
    headers: agent,
    data: {
      line: '12345', citizen: { name: '金丝雀', phone },
      appeal: { type: 'inquiry', title: '咨询路灯报修', description: `我是金丝雀，电话${phone}`, category: 'transport-streetlights' },
    },
  })
  const ticket = await draft.json()
  const closed = await request.post(`/api/v1/tickets/${ticket.id}/actions`, { headers: agent, data: { action: 'answer_directly', answer: '已答复' } })
  expect(closed.ok()).toBe(true)

  const page = await (await browser.newContext()).newPage() // axe wants a context of its own
  await signIn(page, 'supervisor1')
  await page.goto(`/desk/tickets/${ticket.id}`)
  const step = async (name: string, reason: string) => {
    await page.locator(`[data-test=privacy-${name}]`).click()
    await page.locator('[data-test=privacy-reason]').fill(reason)
    await page.locator('[data-test=privacy-confirm]').click()
  }
  await step('hold', '行政诉讼取证')
  await expect(page.locator('[data-test=held]')).toContainText('行政诉讼取证')
  await accessible(page)
  await info.attach('held', { body: await page.screenshot(), contentType: 'image/png' })
  await step('erase', '本人申请')
  await expect(page.getByRole('alert')).toContainText('证据保全')
  await page.getByRole('button', { name: '取消' }).click()
  await step('release', '判决生效')
  await expect(page.locator('[data-test=held]')).toHaveCount(0)

  await page.goto('/desk/tickets?state=closed')
  await page.locator('[data-test=export]').click()
  await page.locator('[data-test=export-purpose]').fill('月度通报')
  await accessible(page)
  const [file] = await Promise.all([page.waitForEvent('download'), page.locator('[data-test=export-run]').click()])
  expect(file.suggestedFilename()).toMatch(/^tickets-.*\.xlsx$/)
  expect(readFileSync(await file.path()).subarray(0, 2).toString()).toBe('PK')

  await page.goto(`/desk/tickets/${ticket.id}`)
  await step('erase', '本人申请')
  await expect(page.getByRole('status').filter({ hasText: '已下达删除' })).toBeVisible()
  await expect(async () => {
    await page.reload()
    await expect(page.locator('[data-test=erased]')).toBeVisible({ timeout: 2000 })
  }).toPass({ timeout: 30_000 })
  await expect(page.locator('body')).not.toContainText('金丝雀')
  await expect(page.locator('body')).not.toContainText(phone)
  await info.attach('erased', { body: await page.screenshot(), contentType: 'image/png' })
})
