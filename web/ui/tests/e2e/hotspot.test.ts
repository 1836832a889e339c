import { expect, test } from '@playwright/test'
import { accessible, signIn, token } from './people'

test('what many report becomes a topic and an alert; supervisors verify, name, split and join', async ({ page, request }) => {
  const headers = await token(request, 'agent2')
  const numbers: string[] = []
  for (let n = 0; n < 7; n++) {
    const appeal = { type: 'complaint', title: n % 2 ? '柳荫路井盖缺失' : '柳荫路井盖不见了', description: '柳荫路人行道上井盖缺失，晚上有人摔倒', category: 'transport-manholes', address: '柳荫路' }
    const opened = await request.post('/api/v1/tickets', { headers, data: { channel: 'phone', line: '12345', appeal, citizen: { phone: `1420000010${n}` } } })
    expect(opened.ok(), await opened.text()).toBe(true)
    const accepted = await request.post(`/api/v1/tickets/${(await opened.json()).id}/actions`, { headers, data: { action: 'accept' } })
    expect(accepted.ok(), await accepted.text()).toBe(true)
    numbers.push((await accepted.json()).number)
  }
  await signIn(page, 'supervisor1')
  const link = page.locator('[data-test=topics] button', { hasText: '井盖' })
  await expect(async () => {
    await page.goto('/desk/topics')
    await expect(link).toBeVisible({ timeout: 2000 })
  }).toPass({ timeout: 60_000 })
  await link.click()
  const topic = page.locator('[data-test=topic]')
  await expect(topic.locator('[data-test=members] li')).toHaveCount(7)
  await expect(topic.locator('[data-test=facts]')).toContainText('人数 7')
  await accessible(page)

  await topic.locator('[data-test=new-name]').fill('柳荫路缺井盖')
  await topic.locator('[data-test=rename]').click()
  await expect(topic.locator('h2')).toHaveText('柳荫路缺井盖')
  await topic.locator('[data-test=follow]').click()
  await expect(topic.locator('[data-test=follow]')).toHaveText('取消关注')
  await page.locator('[data-test=followed]').check()
  await expect(page.locator('[data-test=topics] tbody tr')).toHaveCount(1)

  await topic.getByLabel(numbers[0]!).check()
  await topic.getByLabel(numbers[1]!).check()
  await topic.locator('[data-test=split]').click()
  await expect(topic.locator('[data-test=members] li')).toHaveCount(2)
  await expect(topic.locator('[data-test=steps]')).toContainText('由另一话题拆出')
  await topic.locator('[data-test=offer]').click()
  await topic.locator('[data-test=other]').selectOption({ label: '柳荫路缺井盖（5）' })
  await topic.locator('[data-test=join]').click()
  await expect(topic.locator('[data-test=members] li')).toHaveCount(7)

  await page.goto(`/desk/tickets/${numbers[0]}`)
  await expect(page.locator('[data-test=topic]')).toContainText('井盖')
  await page.locator('nav').getByRole('link', { name: '热点' }).click()
  await page.locator('[data-test=hotspots] tr', { hasText: '同一话题' }).getByRole('button').click()
  const alert = page.locator('[data-test=hotspot]')
  await expect(alert.locator('[data-test=why]')).toContainText('人反映')
  await accessible(page)
  await alert.locator('[data-test=note]').fill('已电话核实')
  await alert.locator('[data-test=act-verified]').click()
  await expect(alert.locator('[data-test=steps]')).toContainText('已电话核实')
  await alert.getByRole('link', { name: '查看话题' }).click()
  await expect(page.locator('[data-test=topic] h2')).toContainText('井盖')
})

test('tickets are counted by two axes, compared with a period before, told in words, on a grid and by people', async ({ page, request }) => {
  const headers = await token(request, 'agent2')
  for (let n = 0; n < 3; n++) {
    const appeal = { type: 'complaint', title: '状元路渣土车噪音扰民', description: '状元路夜间渣土车噪音扰民', category: 'transport-manholes', address: '状元路' }
    const opened = await request.post('/api/v1/tickets', { headers, data: { channel: 'phone', line: '12345', appeal, citizen: { phone: '14200000200' } } })
    const accepted = await request.post(`/api/v1/tickets/${(await opened.json()).id}/actions`, { headers, data: { action: 'accept' } })
    expect(accepted.ok(), await accepted.text()).toBe(true)
  }
  await signIn(page, 'analyst1')
  const row = page.locator('[data-test=table] tbody tr', { hasText: '井盖缺失' })
  await expect(async () => {
    await page.goto('/desk/analysis?rows=category&columns=place&q=渣土车')
    await expect(row.locator('td').first()).toHaveText('3', { timeout: 2000 })
  }).toPass({ timeout: 20_000 })
  await expect(page.locator('[data-test=table] thead')).toContainText('状元路')
  await accessible(page)
  const today = new Intl.DateTimeFormat('sv-SE', { timeZone: 'Asia/Shanghai' }).format(new Date())
  await page.locator('[data-test=from]').fill(today)
  await page.locator('[data-test=to]').fill(today)
  await page.locator('[data-test=compare]').selectOption('previous')
  await expect(row).toContainText('+∞')
  await row.getByRole('button').click()
  await expect(page.getByRole('link', { name: '状元路渣土车噪音扰民' }).first()).toBeVisible()

  await page.goto('/desk/analysis?tab=words&q=渣土车')
  await expect(page.locator('[data-test=words]')).toContainText('渣土车')
  await page.locator('[data-test=tab-heat]').click()
  await expect(page.locator('[data-test=heat] rect').first()).toBeAttached()
  await accessible(page)
  await page.locator('[data-test=tab-people]').click()
  await expect(page.locator('[data-test=people]')).toContainText('反映两次以上')
  await accessible(page)
})
