import { readFileSync } from 'node:fs'
import { defineConfig } from '@playwright/test'

const port = Number(process.env.HOTLINE_E2E_PORT ?? 18080)
const sip = Number(process.env.HOTLINE_E2E_SIP ?? 15060)
const model = Number(process.env.HOTLINE_E2E_MODEL ?? 18082)
const base = `http://127.0.0.1:${port}`

export default defineConfig({
  testDir: 'tests/e2e',
  fullyParallel: false,
  workers: 1,
  retries: 0,
  forbidOnly: true,
  timeout: 60_000,
  expect: { timeout: 15_000 },
  reporter: [['line'], ['json', { outputFile: process.env.HOTLINE_E2E_REPORT ?? 'test-results/report.json' }]],
  use: {
    baseURL: base,
    locale: 'zh-CN',
    viewport: { width: 1366, height: 768 },
    trace: 'retain-on-failure',
    launchOptions: {
      executablePath: process.env.HOTLINE_CHROMIUM ?? '/usr/bin/chromium',
      args: JSON.parse(readFileSync(new URL('tests/chromium.json', import.meta.url), 'utf8')) as string[],
    },
  },
  metadata: { sip, model },
  webServer: {
    command: `../../bin/hotline demo --no-traffic --http 127.0.0.1:${port} --sip 127.0.0.1:${sip} --rtp 28000-28999 --gateway 127.0.0.1:9`,
    env: { HOTLINE_ASSIST_URL: `http://127.0.0.1:${model}/v1`, HOTLINE_ASSIST_MODEL: 'small' }, // which a test plays
    url: `${base}/readyz`,
    timeout: 60_000,
    reuseExistingServer: false,
    stdout: 'pipe',
  },
})
