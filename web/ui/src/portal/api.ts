/** What the portal asks of the public API; times are RFC 3339. */
export interface Filing {
  appeal: { type: string; title: string; description: string; district?: string; address?: string }
  citizen: { name: string; phone: string; anonymous: boolean }
  confidential: boolean
}
export interface Filed {
  number: string
  query_code: string
}
export interface Progress {
  number: string
  state: string
  title: string
  department?: string
  due_at?: string
  answer?: string
  steps: { at: string; text: string }[]
}
export interface District {
  code: string
  name: string
}
export interface Fault {
  kind: 'network' | 'busy' | 'wrong' | 'invalid' | 'server'
  detail: string
  trace: string
  /** Pointers of the fields that the server refused, such as `body.citizen.phone`. */
  fields: { location: string; message: string }[]
}
export type Answer<T> = { ok: true; value: T } | { ok: false; fault: Fault }

const timeout = 20_000

async function ask<T>(path: string, init?: RequestInit): Promise<Answer<T>> {
  let response: Response
  try {
    response = await fetch('/api/public/v1' + path, { ...init, signal: AbortSignal.timeout(timeout) })
  } catch {
    return { ok: false, fault: { kind: 'network', detail: '', trace: '', fields: [] } }
  }
  const body = await response.json().catch(() => ({}))
  if (response.ok) return { ok: true, value: body as T }
  const kind = response.status === 429 ? 'busy' : response.status === 404 ? 'wrong' : response.status < 500 ? 'invalid' : 'server'
  return {
    ok: false,
    fault: { kind, detail: String(body.detail ?? ''), trace: String(body.trace_id ?? ''), fields: body.errors ?? [] },
  }
}

/** Files an appeal; the same key never files it twice. */
export function file(filing: Filing, key: string) {
  return ask<Filed>('/appeals', {
    method: 'POST',
    headers: { 'Content-Type': 'application/json', 'Idempotency-Key': key },
    body: JSON.stringify(filing),
  })
}

export function progress(number: string, code: string) {
  return ask<Progress>(`/appeals/${encodeURIComponent(number)}?code=${encodeURIComponent(code)}`)
}

export function districts() {
  return ask<{ items: District[] }>('/districts')
}
