import { defineStore } from 'pinia'
import { onScopeDispose, ref } from 'vue'
import { follow, type LiveEvent, type LiveState } from '../../api/events'
import { useSession } from './session'

type Hear = (event: LiveEvent | undefined) => void

/** The server's events, for whoever listens; undefined means: everything may have changed. */
export const useLive = defineStore('live', () => {
  const state = ref<LiveState>('connecting')
  const at = ref(Date.now())
  const listeners = new Set<Hear>()
  const session = useSession()
  let stop: (() => void) | undefined

  function start() {
    stop ??= follow({
      onEvent: (event) => {
        at.value = session.now()
        listeners.forEach((hear) => hear(event))
      },
      onResync: () => listeners.forEach((hear) => hear(undefined)),
      onState: (next) => (state.value = next),
      onClock: (server) => {
        session.setClock(server)
        at.value = server
      },
    })
  }

  function end() {
    stop?.()
    stop = undefined
    state.value = 'connecting'
  }

  /** Listens for as long as the component lives. */
  function on(hear: Hear) {
    listeners.add(hear)
    onScopeDispose(() => listeners.delete(hear))
  }

  return { state, at, start, end, on }
})
