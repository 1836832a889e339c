import AxeBuilder from '@axe-core/playwright'
import { expect, type APIRequestContext, type Page } from '@playwright/test'

export const password = 'hotline-demo'

export async function signIn(page: Page, login: string) {
  await page.goto('/desk')
  await page.getByLabel('账号').fill(login)
  await page.locator('#password').fill(password)
  await page.keyboard.press('Enter')
  await expect(page.getByText('实时', { exact: true })).toBeVisible()
}

/** A session for what the test does beside the page. */
export async function token(request: APIRequestContext, login: string): Promise<Record<string, string>> {
  const answer = await request.post('/api/v1/session', { data: { login, password } })
  expect(answer.ok()).toBe(true)
  return { Authorization: `Bearer ${(await answer.json()).token}` }
}

/** No finding of axe that is serious or worse. */
export async function accessible(page: Page) {
  const { violations } = await new AxeBuilder({ page }).withTags(['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa']).analyze()
  const serious = violations.filter((v) => v.impact === 'serious' || v.impact === 'critical')
  expect(serious.map((v) => `${v.id}: ${v.nodes.map((n) => n.target.join(' ')).join('; ')}`)).toEqual([])
}
