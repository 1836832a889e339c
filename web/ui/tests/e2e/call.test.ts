import { spawn } from 'node:child_process'
import { expect, test } from '@playwright/test'
import { accessible, signIn } from './people'

/** Runs callsim until it ends or is told to. */
function callsim(...args: string[]) {
  const child = spawn('../../bin/callsim', args, { stdio: ['ignore', 'ignore', 'inherit'] })
  const over = new Promise<void>((resolve) => child.once('close', () => resolve()))
  return { stop: () => (child.kill('SIGINT'), over) }
}

test('an operator has the call in hand, consults a colleague and is supervised', async ({ page, browser }, info) => {
  test.setTimeout(120_000)
  const sip = `127.0.0.1:${info.config.metadata.sip}`
  const seats = callsim('seats', '--target', sip, '--seats', '8001,8002,8010', '--secret', 'hotline-demo', '--ring', '500ms', '--duration', '110s')
  const lead = await (await browser.newContext({ locale: 'zh-CN', viewport: { width: 1366, height: 768 } })).newPage()
  try {
    await signIn(page, 'agent1')
    await page.locator('[data-test=status-ready]').click()
    await expect(page.locator('[data-test=seat-state]')).toContainText('空闲')
    const caller = callsim('call', '--target', sip, '--to', '12345', '--from', '14212340009', '--digits', '2', '--talk', '100s', '--duration', '110s')
    const bar = page.locator('[data-test=call]')
    await expect(bar).toContainText('通话中', { timeout: 30_000 })
    await accessible(page)

    await page.keyboard.press('F8')
    await expect(bar).toContainText('已静音')
    await page.locator('[data-test=mute]').click()
    await expect(bar).not.toContainText('已静音')
    await page.locator('[data-test=pause]').click()
    await expect(bar).toContainText('录音已暂停')
    await page.locator('[data-test=pause]').click()
    await expect(bar).not.toContainText('录音已暂停')

    await page.keyboard.press('F9')
    await page.getByLabel('坐席或号码').fill('8002')
    await page.locator('[data-test=consult]').click()
    await expect(bar).toContainText('保持中')
    await expect(page.locator('[data-test=party]')).toContainText('咨询中')
    await page.locator('[data-test=merge]').click()
    await expect(page.locator('[data-test=party]')).toContainText('通话中')
    await page.locator('[data-test=drop]').click()
    await expect(page.locator('[data-test=party]')).toHaveCount(0)

    await signIn(lead, 'lead1')
    await lead.getByRole('link', { name: '坐席监控' }).click()
    const seat = lead.locator('[data-test=seat-8001]')
    await expect(seat).toContainText('通话')
    await accessible(lead)
    await seat.locator('[data-test=monitor]').click()
    await expect(seat.locator('[data-test=take-over]')).toBeVisible()
    await expect(seat.locator('[data-test=monitor]')).toHaveAttribute('aria-pressed', 'true')
    await seat.locator('[data-test=whisper]').click()
    await expect(seat.locator('[data-test=whisper]')).toHaveAttribute('aria-pressed', 'true')
    await seat.locator('[data-test=leave]').click()
    await expect(seat.locator('[data-test=take-over]')).toHaveCount(0)

    await page.locator('[data-test=harassment]').click()
    await page.getByLabel('骚扰情况').fill('反复辱骂')
    await page.locator('[data-test=report-harassment]').click()
    await expect(page.locator('[data-test=report-harassment]')).toHaveCount(0)
    await page.keyboard.press('F4')
    await expect(bar).toContainText('通话中')
    await page.keyboard.press('F4')
    await page.keyboard.press('F4')
    await expect(bar).toContainText('通话结束')
    await caller.stop()

    await lead.reload()
    await expect(lead.locator('[data-test=blocks]')).toContainText('反复辱骂')
    const line = lead.locator('[data-test=line-12315]')
    await line.locator('[data-test=announce]').click()
    await expect(line).toContainText('emergency')
    await line.locator('[data-test=take-off]').click()
    await expect(line.locator('[data-test=announce]')).toBeVisible()
    await lead.locator('[data-test=lift]').click()
    await expect(lead.locator('[data-test=blocks]')).toHaveCount(0)
    await page.locator('[data-test=status-offline]').click()
  } finally {
    await lead.context().close()
    await seats.stop()
  }
})
