import { Failure } from '../api/client'

/** Failures of parts that the rest goes on without. */
const byCode: Record<string, string> = {
  search_unavailable: 'failure.search', search_off: 'failure.search', assist_unavailable: 'failure.assist', assist_busy: 'failure.assistBusy', assist_off: 'failure.assist',
}

/** What to tell a person of an error, in the language of the page. */
export function failureText(error: unknown, t: (key: string, named?: Record<string, unknown>) => string, language: string): string {
  if (!(error instanceof Failure)) return String(error)
  const p = error.problem
  const fields = (p.errors ?? []).map((e) => (language === 'zh' ? (e.message_zh ?? e.message) : e.message)).filter(Boolean)
  if (fields.length) return fields.join(' ')
  const known = byCode[p.code ?? '']
  if (known) return t(known)
  switch (true) {
    case error.status === 0:
      return t('failure.offline')
    case error.status === 403:
      return t('failure.forbidden')
    case error.status === 404:
      return t('failure.notFound')
    case error.status === 429:
      return t('failure.busy')
    case error.status === 409 && Boolean(p.current):
      return t('failure.conflict')
    case error.status < 500:
      return (language === 'zh' ? p.detail_zh : undefined) ?? p.detail ?? t('failure.server', { trace: p.trace_id ?? '' })
    default:
      return t('failure.server', { trace: p.trace_id ?? '' })
  }
}
