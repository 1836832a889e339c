import { createServer } from 'node:http'
import { expect, test } from '@playwright/test'
import { accessible, signIn, token } from './people'

test('a language model suggests, marked as such, and gets nobody’s name or number', async ({ page, request }, info) => {
  const asked: string[] = []
  const server = createServer((req, res) => {
    let body = ''
    req.on('data', (chunk) => (body += chunk))
    req.on('end', () => {
      const [rule, text] = (JSON.parse(body) as { messages: { content: string }[] }).messages.map((m) => m.content)
      asked.push(text ?? '')
      const content = rule!.includes('概括') ? '市民反映棠梨街护栏松动。' : rule!.includes('代码') ? 'transport-manholes' : '经核查，已于____补装井盖。'
      res.setHeader('Content-Type', 'application/json')
      res.end(JSON.stringify({ choices: [{ message: { role: 'assistant', content } }] }))
    })
  })
  await new Promise<void>((resolve) => server.listen(info.config.metadata.model as number, '127.0.0.1', resolve))
  try {
    const headers = await token(request, 'agent2')
    const appeal = { type: 'complaint', title: '护栏松动', description: '棠梨街护栏松动，本人赵铁柱，电话14200000301，请回电14200000302', category: 'transport-streetlights', address: '棠梨街' }
    const opened = await request.post('/api/v1/tickets', { headers, data: { channel: 'phone', line: '12345', appeal, citizen: { name: '赵铁柱', phone: '14200000301' } } })
    const accepted = await request.post(`/api/v1/tickets/${(await opened.json()).id}/actions`, { headers, data: { action: 'accept' } })
    const number = (await accepted.json()).number as string
    await signIn(page, 'agent1')
    await page.goto(`/desk/tickets/${number}`)
    await page.locator('[data-test=assist-summary]').click()
    await expect(page.locator('[data-test=assist-text]')).toHaveText('市民反映棠梨街护栏松动。')
    await expect(page.locator('[data-test=assist]')).toContainText('仅供参考')
    await accessible(page)
    await page.locator('[data-test=assist-category]').click()
    await expect(page.locator('[data-test=assist-text]')).toHaveText('井盖缺失')
    expect(asked).toHaveLength(2)
    for (const text of asked) {
      expect(text).toContain('棠梨街护栏松动')
      for (const secret of ['赵铁柱', '14200000301', '14200000302']) expect(text).not.toContain(secret)
    }
    await new Promise((resolve) => server.close(resolve))
    await page.locator('[data-test=assist-summary]').click()
    await expect(page.locator('[data-test=assist]').getByRole('alert')).toContainText('语言模型')
  } finally {
    server.close()
  }
})
