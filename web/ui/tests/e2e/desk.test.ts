import { spawn } from 'node:child_process'
import { expect, test } from '@playwright/test'
import { accessible, signIn, token } from './people'

/** Runs callsim to its end and returns what it measured. */
function callsim(...args: string[]) {
  const child = spawn('../../bin/callsim', args, { stdio: ['ignore', 'pipe', 'inherit'] })
  let out = ''
  child.stdout.on('data', (chunk) => (out += chunk))
  const done = new Promise<{ status: number | null; out: string }>((resolve) => child.on('close', (status) => resolve({ status, out })))
  return { child, done }
}

async function category(page: import('@playwright/test').Page, words: string) {
  const input = page.locator('[data-test=category] input')
  await input.click()
  await input.fill(words)
  await page.locator('.el-cascader__suggestion-item').first().click()
}

test('a wrong password tells nothing; the pages are accessible in light and dark', async ({ page, request }) => {
  await page.goto('/desk')
  await accessible(page)
  await page.getByLabel('账号').fill('agent1')
  await page.locator('#password').fill('wrong-password')
  await page.keyboard.press('Enter')
  await expect(page.getByRole('alert')).toHaveText('账号、密码或口令不对,或账号已停用。')
  const headers = await token(request, 'agent2')
  await request.post('/api/v1/tickets', { headers, data: { appeal: { type: 'help', title: '停水两天' }, citizen: { phone: '14212340001' } } })
  await signIn(page, 'lead1')
  await expect(page.getByRole('link', { name: '停水两天' })).toBeVisible()
  await accessible(page)
  await page.getByRole('button', { name: '深色/浅色' }).click()
  await accessible(page)
  await page.getByRole('link', { name: '停水两天' }).click()
  await expect(page.locator('[data-test=title]')).toBeVisible()
  await accessible(page)
})

test('a call pops up before it is answered, becomes a ticket, is dispatched, signed and found', async ({ page, browser, request }, info) => {
  const sip = `127.0.0.1:${info.config.metadata.sip}`
  const seats = callsim('seats', '--target', sip, '--seats', '8001', '--secret', 'hotline-demo', '--ring', '4s', '--duration', '50s')
  try {
    await signIn(page, 'agent1')
    await expect(page.locator('[data-test=seat-state]')).toContainText('8001')
    await page.locator('[data-test=status-ready]').click()
    await expect(page.locator('[data-test=seat-state]')).toContainText('空闲')
    const call = callsim('call', '--target', sip, '--to', '12345', '--from', '14212340002', '--digits', '2', '--talk', '30s', '--duration', '40s')

    const banner = page.locator('[data-test=call]')
    await expect(banner).toContainText('来电振铃', { timeout: 30_000 })
    await expect(banner).toContainText('142****0002')
    await expect(page.locator('[data-test=phone]')).toHaveText('142****0002')
    await expect(banner).toContainText('通话中')

    await page.locator('[data-test=title]').fill('壮元路路灯不亮')
    await page.locator('[data-test=description]').fill('状元路12号门口路灯连续三天不亮')
    await page.locator('[data-test=place]').getByRole('button', { name: '状元路' }).first().click()
    await expect(page.locator('[data-test=address]')).toHaveValue('状元路')
    await category(page, '路灯')
    await expect(page.locator('[data-test=saved]')).toContainText('已存')
    await page.locator('[data-test=reveal]').click()
    await expect(page.locator('[data-test=phone]')).toHaveText('14212340002')
    await page.locator('[data-test=action-accept]').click()
    await expect(page.locator('[data-test=number]')).toHaveText(/^\d{8}-\d{6}$/)
    const number = await page.locator('[data-test=number]').innerText()
    await expect(page.locator('[data-test=state]')).toHaveText('待签收')
    await page.getByRole('button', { name: '挂机' }).click()
    await expect(banner).toContainText('通话结束')
    await call.done

    const headers = await token(request, 'lead1')
    const ticket = await (await request.get(`/api/v1/tickets/${number}`, { headers })).json()
    const lead = await browser.newPage()
    await signIn(lead, 'lead1')
    await lead.getByLabel('搜索:内容、地址、编号').fill('0002')
    await lead.getByLabel('搜索:内容、地址、编号').press('Enter')
    await lead.locator('[data-test=tail]').click()
    await expect(lead.locator('[data-test=understood]')).toContainText('电话尾号 0002')
    await expect(async () => {
      await lead.reload()
      await expect(lead.getByRole('link', { name: number })).toBeVisible({ timeout: 1000 })
    }).toPass()
    await lead.close()
    const clerk = await browser.newPage()
    await signIn(clerk, `clerk-${ticket.department}`)
    await clerk.getByLabel('搜索:内容、地址、编号').fill('路灯')
    await expect(async () => {
      await clerk.getByLabel('搜索:内容、地址、编号').press('Enter')
      await expect(clerk.locator('mark').first()).toHaveText('路灯', { timeout: 1000 })
    }).toPass()
    await clerk.getByLabel('搜索:内容、地址、编号').fill('路灯 地点:zyl 状态:待签收 今天')
    await clerk.getByLabel('搜索:内容、地址、编号').press('Enter')
    await expect(clerk.locator('[data-test=understood]')).toContainText('状元路')
    await clerk.locator('[data-test=keep]').click()
    await clerk.getByRole('dialog').getByRole('textbox').fill('状元路路灯')
    await clerk.getByRole('dialog').getByRole('button', { name: /OK|确定/ }).click()
    await clerk.getByLabel('搜索:内容、地址、编号').fill('别的')
    await clerk.getByLabel('搜索:内容、地址、编号').press('Enter')
    await clerk.getByRole('button', { name: '状元路路灯', exact: true }).click()
    await clerk.locator('[data-test=tell]').click()
    await expect(clerk.locator('[data-test=tell]')).toHaveAttribute('aria-pressed', 'true')
    await expect(clerk.locator('[data-test=understood]')).toContainText('状元路')
    await clerk.getByRole('link', { name: number }).click()
    await clerk.locator('[data-test=action-sign]').click()
    await expect(clerk.locator('[data-test=state]')).toHaveText('办理中')
    await clerk.locator('[data-test=action-resolve]').click()
    await clerk.locator('[data-test=answer] textarea, textarea[data-test=answer]').fill('已更换灯具,今晚恢复照明。')
    await clerk.locator('[data-test=submit-action]').click()
    await expect(clerk.locator('[data-test=state]')).toHaveText('办结审核')
    await expect(page.locator('[data-test=state]')).toHaveText('办结审核')
    await clerk.getByRole('button', { name: '为何?' }).first().click()
    await expect(clerk.locator('[data-test=derivation]')).toContainText('到期:')
    await clerk.close()
  } finally {
    seats.child.kill('SIGTERM')
    await seats.done
  }
})
