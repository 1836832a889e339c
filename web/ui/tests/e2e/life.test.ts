import { expect, test, type APIRequestContext } from '@playwright/test'
import { accessible, signIn, token } from './people'

/** A ticket that the department in charge has not signed yet. */
async function dispatched(request: APIRequestContext) {
  const agent = await token(request, 'agent3')
  const draft = await (
    await request.post('/api/v1/tickets', {
      headers: agent,
      data: { appeal: { type: 'complaint', title: '东门路灯不亮', category: 'transport-streetlights', description: '东门路灯不亮' }, citizen: { phone: '14212340009' } },
    })
  ).json()
  const accepted = await (await request.post(`/api/v1/tickets/${draft.id}/actions`, { headers: agent, data: { action: 'accept' } })).json()
  let seen = accepted
  await expect(async () => {
    seen = await (await request.get(`/api/v1/tickets/${accepted.number}`, { headers: agent })).json()
    expect(seen.state).toBe('dispatched')
  }).toPass()
  return seen as { number: string; department: string }
}

test('a half-written request survives a reload, is decided, and the reply goes through head and centre to the follow-up', async ({ page, browser, request }, info) => {
  const ticket = await dispatched(request)
  await signIn(page, `clerk-${ticket.department}`)
  await page.goto(`/desk/tickets/${ticket.number}`)
  await page.locator('[data-test=action-sign]').click()
  await expect(page.locator('[data-test=state]')).toHaveText('办理中')

  await page.locator('[data-test=action-request_extension]').click()
  const kept = page.waitForResponse((r) => r.url().includes('/api/v1/drafts/') && r.request().method() === 'PUT')
  await page.locator('textarea[data-test=reason]').fill('备件采购需要时间')
  await kept
  await accessible(page)
  await page.reload()
  await page.locator('[data-test=action-request_extension]').click()
  await expect(page.locator('textarea[data-test=reason]')).toHaveValue('备件采购需要时间')
  await page.locator('[data-test=submit-action]').click()
  await expect(page.locator('[data-test=records]')).toContainText('延期')
  await expect(page.locator('[data-test=records]')).toContainText('待审批')

  const context = await browser.newContext() // axe wants one of its own
  const centre = await context.newPage()
  await signIn(centre, 'lead1')
  await centre.goto(`/desk/tickets/${ticket.number}`)
  await centre.locator('[data-test=action-approve_extension]').click()
  await centre.locator('[data-test=submit-action]').click()
  await expect(centre.locator('[data-test=records]')).toContainText('已同意')
  await expect(page.locator('[data-test=records]')).toContainText('已同意')

  await page.locator('[data-test=action-resolve]').click()
  await page.locator('textarea[data-test=answer]').fill('已更换灯具')
  await page.locator('[data-test=submit-action]').click()
  await expect(page.locator('[data-test=state]')).toHaveText('办结审核')
  const head = await browser.newPage()
  await signIn(head, `head-${ticket.department}`)
  await head.goto(`/desk/tickets/${ticket.number}`)
  await head.locator('[data-test=action-approve_review]').click()
  await head.locator('[data-test=submit-action]').click()
  await head.close()
  await centre.locator('[data-test=action-approve_review]').click()
  await centre.locator('[data-test=submit-action]').click()
  await expect(centre.locator('[data-test=state]')).toHaveText('待回访')
  await centre.locator('[data-test=action-follow_up]').click()
  await centre.locator('label.el-radio', { hasText: /^不满意$/ }).click()
  await centre.locator('[data-test=submit-action]').click()
  await expect(centre.locator('[data-test=state]')).toHaveText('已办结')
  await expect(centre.locator('[data-test=records]')).toContainText('整改')
  await accessible(centre)
  await centre.screenshot({ path: info.outputPath('life.png'), fullPage: true })
  await context.close()
})
