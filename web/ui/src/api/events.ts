/** One change that the server tells; pages fetch the subject again. */
export interface LiveEvent {
  type: string
  id: string
  version: number
  at: string
  data?: Record<string, string> | null
}

export type LiveState = 'connecting' | 'live' | 'stale'

export interface LiveListener {
  onEvent(event: LiveEvent): void
  /** The stream has a gap: everything shown may be old. */
  onResync(): void
  onState(state: LiveState): void
  /** The server's clock, in milliseconds since 1970. */
  onClock(now: number): void
}

type Shared =
  | { kind: 'event'; event: LiveEvent }
  | { kind: 'resync' }
  | { kind: 'state'; state: LiveState }
  | { kind: 'clock'; now: number }

const channelName = 'hotline.live'
const lockName = 'hotline.live.leader'
const staleAfter = 35_000

/**
 * Follows the server's events. A browser allows few connections to a server that speaks HTTP/1.1,
 * so one tab holds the stream (Web Locks) and passes everything on to the others.
 */
export function follow(listener: LiveListener): () => void {
  const channel = new BroadcastChannel(channelName)
  const end = new AbortController()
  let lastHeard = Date.now()
  const deliver = (message: Shared) => {
    if (message.kind === 'event') listener.onEvent(message.event)
    else if (message.kind === 'resync') listener.onResync()
    else if (message.kind === 'state') listener.onState(message.state)
    else listener.onClock(message.now)
  }
  const hear = (message: Shared) => {
    lastHeard = Date.now()
    deliver(message)
  }
  channel.onmessage = (message) => hear(message.data as Shared)
  const watch = setInterval(() => {
    if (Date.now() - lastHeard > staleAfter) deliver({ kind: 'state', state: 'stale' })
  }, 5_000)

  const share = (message: Shared) => {
    hear(message)
    channel.postMessage(message)
  }
  navigator.locks
    .request(lockName, { signal: end.signal }, () => lead(share, end.signal))
    .catch((error: unknown) => {
      if (!end.signal.aborted) throw error
    })

  return () => {
    end.abort()
    clearInterval(watch)
    channel.close()
  }
}

/** Holds the stream until the tab stops following. EventSource reconnects by itself with Last-Event-ID. */
function lead(share: (message: Shared) => void, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    let source: EventSource | undefined
    let retry: ReturnType<typeof setTimeout> | undefined
    const open = () => {
      source = new EventSource('/api/v1/events')
      source.onopen = () => share({ kind: 'state', state: 'live' })
      source.onmessage = (message) => share({ kind: 'event', event: JSON.parse(message.data) as LiveEvent })
      source.addEventListener('resync', () => share({ kind: 'resync' }))
      source.addEventListener('heartbeat', (message) => {
        share({ kind: 'state', state: 'live' })
        share({ kind: 'clock', now: new Date((JSON.parse((message as MessageEvent).data) as { now: string }).now).getTime() })
      })
      source.onerror = () => {
        share({ kind: 'state', state: 'stale' })
        if (source?.readyState !== EventSource.CLOSED) return
        // The server refused (signed out, restarting): what was missed meanwhile is unknown.
        retry = setTimeout(() => {
          share({ kind: 'resync' })
          open()
        }, 5_000)
      }
    }
    open()
    signal.addEventListener('abort', () => {
      clearTimeout(retry)
      source?.close()
      resolve()
    })
  })
}
