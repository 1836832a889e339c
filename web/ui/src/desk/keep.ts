import { api } from '../api/client'
import type { Values } from './actions'

/** Keeps on the server what is typed into one form at a time, a second after typing, so that a half-written form survives a reload. */
export function keepDraft() {
  let key = ''
  let timer: ReturnType<typeof setTimeout> | undefined
  let last = ''
  let ready = false // what was kept is read before anything may replace it

  async function open(name: string): Promise<Values | undefined> {
    clearTimeout(timer)
    key = name
    last = ''
    ready = false
    const { data } = await api.GET('/api/v1/drafts/{key}', { params: { path: { key } } }).catch(() => ({ data: undefined }))
    if (key !== name) return undefined
    ready = true
    return data?.body as Values | undefined
  }

  function save(values: Values) {
    const body = JSON.stringify(values)
    if (!key || !ready || body === last) return
    last = body
    clearTimeout(timer)
    const to = key
    timer = setTimeout(() => {
      void api.PUT('/api/v1/drafts/{key}', { params: { path: { key: to } }, body: { seq: Date.now(), body: JSON.parse(body) as Values } }).catch(() => undefined)
    }, 1000)
  }

  async function drop() {
    clearTimeout(timer)
    const gone = key
    key = ''
    if (gone) await api.DELETE('/api/v1/drafts/{key}', { params: { path: { key: gone } } }).catch(() => undefined)
  }

  return { open, save, drop }
}
