import { expect, test } from '@playwright/test'
import { accessible, signIn } from './people'

test('an account is made, given its rights, and begins with a password and one-time codes of its own; the ledger tells it all', async ({ browser }, info) => {
  const login = `new-${Date.now()}`
  const open = async (who: string) => {
    const page = await (await browser.newContext()).newPage() // axe wants a context of its own
    await signIn(page, who)
    return page
  }
  const admin = await open('admin')
  await admin.getByRole('link', { name: '人员权限' }).click()
  await admin.locator('#new-login').fill(login)
  await admin.locator('#new-name').fill('新来的')
  await admin.locator('[data-test=save]').click()
  await expect(admin.locator('[data-test=said]')).toContainText('账号已建立')
  await accessible(admin)

  const security = await open('secadmin')
  await security.getByRole('link', { name: '人员权限' }).click()
  await security.locator('[data-test=find] input, input[data-test=find]').first().fill(login)
  await security.keyboard.press('Enter')
  await security.locator(`[data-test=user-${login}]`).click()
  await security.locator('[data-test=role-dispatcher]').check()
  await security.locator('#reason').fill('入职')
  await security.locator('[data-test=grant]').click()
  await expect(security.locator('[data-test=said]')).toContainText('已授权')
  await security.locator('[data-test=issue]').click()
  await expect(security.locator('[data-test=said]')).toContainText('一次性密码')
  const issued = (await security.locator('[data-test=said]').textContent())!.split('：').at(-1)!.trim()
  await accessible(security)
  await info.attach('people', { body: await security.screenshot(), contentType: 'image/png' })

  const page = await (await browser.newContext()).newPage()
  await page.goto('/desk')
  await page.getByLabel('账号').fill(login)
  await page.locator('#password').fill(issued)
  await page.keyboard.press('Enter')
  await expect(page.locator('[data-test=todo]')).toContainText('请先修改密码')
  await page.goto('/desk/tickets')
  await expect(page).toHaveURL(/\/desk\/account$/)
  await page.locator('#current').fill(issued)
  await page.locator('#next').fill('Lamps-on-9-streets')
  await page.locator('[data-test=change]').click()
  await expect(page.getByText('密码已修改')).toBeVisible()
  await page.locator('[data-test=propose]').click()
  await expect(page.locator('[data-test=secret]')).toHaveText(/^[A-Z2-7]{32}$/)
  await accessible(page)
  await page.goto('/desk/tickets')
  await expect(page).toHaveURL(/\/desk\/tickets$/)

  const auditor = await open('auditor')
  await expect(auditor).toHaveURL(/\/desk\/audit$/)
  await expect(auditor.locator('[data-test=ledger]')).toContainText('user.password_issued')
  await expect(auditor.locator('[data-test=ledger]')).toContainText('入职')
  await expect(auditor.locator('[data-test=ledger]')).not.toContainText('user.password_changed')
  await accessible(auditor)
  await info.attach('audit', { body: await auditor.screenshot(), contentType: 'image/png' })
})
