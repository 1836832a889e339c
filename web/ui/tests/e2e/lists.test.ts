import { expect, test } from '@playwright/test'
import { accessible, signIn, token } from './people'

test('the city edits its dictionary: what is wrong is said, what is right is in force', async ({ page, request }) => {
  await signIn(page, 'admin')
  await page.locator('nav').getByRole('link', { name: '词库' }).click()
  const text = page.locator('[data-test=text]')
  await expect(text).toHaveValue(/路灯/)
  await accessible(page)
  const before = await text.inputValue()
  await text.fill(before + '\n孤零零的词\n')
  await page.locator('[data-test=save]').click()
  await expect(page.getByRole('alert')).not.toBeEmpty()
  await expect(text).toHaveValue(/孤零零的词/)
  await text.fill(before + '\n照明灯柱,马路照明杆\n')
  await page.locator('[data-test=save]').click()
  await expect(page.getByRole('status').filter({ hasText: '已启用' })).toBeVisible()

  const headers = await token(request, 'lead1')
  await expect(async () => {
    const found = await request.get('/api/v1/search?q=' + encodeURIComponent('马路照明杆'), { headers })
    expect((await found.json()).understood[0]?.words).toContain('照明灯柱')
  }).toPass({ timeout: 20_000 })

  await page.locator('[data-test=list-gazetteer]').click()
  await expect(text).toHaveValue(/name,aliases,kind,district,street,lon,lat/)
  await text.fill((await text.inputValue()).replace('lon,lat', 'lon'))
  await page.locator('[data-test=save]').click()
  await expect(page.getByRole('alert')).not.toBeEmpty()
  await page.locator('[data-test=again]').click()
  await expect(page.locator('[data-test=save]')).toBeDisabled()
})
