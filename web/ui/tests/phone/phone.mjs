// A phone in Chromium, driven by JSON lines: commands on stdin, events and answers on stdout.
//
// Every command is {"id": N, "do": NAME, ...} and gets {"id": N, ...} or {"id": N, "error": TEXT}; what happens by itself is
// {"event": NAME, ...}. `start` opens the browser: `voice` is the WAV file that its microphone hears. See page.js for the rest.
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { chromium } from '@playwright/test'
import { build } from 'vite'

const say = (words) => process.stdout.write(JSON.stringify(words) + '\n')

async function bundle() {
  const [{ output }] = await build({
    configFile: false,
    logLevel: 'silent',
    root: fileURLToPath(new URL('.', import.meta.url)),
    build: { write: false, lib: { entry: 'page.js', formats: ['iife'], name: 'phone' } },
  })
  return output[0].code
}

/** serve gives the address of an empty page; that it is this machine's makes it a secure context. */
async function serve() {
  const server = createServer((_, answer) => answer.setHeader('Content-Type', 'text/html').end('<!doctype html><title>phone</title>'))
  server.listen(0, '127.0.0.1').unref()
  await once(server, 'listening')
  return `http://127.0.0.1:${server.address().port}/`
}

async function open({ voice }) {
  const browser = await chromium.launch({
    executablePath: process.env.HOTLINE_CHROMIUM ?? '/usr/bin/chromium',
    args: [
      ...JSON.parse(readFileSync(new URL('../chromium.json', import.meta.url), 'utf8')),
      '--autoplay-policy=no-user-gesture-required',
      '--use-fake-device-for-media-stream', '--use-fake-ui-for-media-stream', `--use-file-for-fake-audio-capture=${voice}`,
    ],
  })
  const tab = await (await browser.newContext({ ignoreHTTPSErrors: true })).newPage()
  tab.on('console', (m) => process.stderr.write(`${m.type()}: ${m.text()}\n`))
  tab.on('pageerror', (e) => process.stderr.write(`${e.stack}\n`))
  await tab.exposeFunction('say', say)
  await tab.goto(await serve())
  await tab.addScriptTag({ content: await bundle() })
  return { browser, tab }
}

let phone
async function run({ id, ...command }) {
  try {
    if (command.do === 'start') phone = await open(command)
    say({ id, ...(await phone.tab.evaluate((words) => window.command(words), command)) })
  } catch (e) {
    say({ id, error: String(e.message ?? e) })
  }
}

const lines = createInterface({ input: process.stdin })
lines.on('line', (line) => void run(JSON.parse(line)))
await once(lines, 'close')
await phone?.browser.close()
