import { defineStore } from 'pinia'
import { ref, shallowRef } from 'vue'
import { api, type Schemas } from '../../api/client'
import { useLive } from './live'

export type Phase = 'idle' | 'incoming' | 'talking' | 'ended'

/** The user's own call as the server tells it, whichever page is open. */
export const useCall = defineStore('call', () => {
  const phase = ref<Phase>('idle')
  const call = shallowRef<Schemas['Call']>()
  const ticket = ref('')
  const id = ref('')

  async function load() {
    const { data } = await api.GET('/api/v1/calls/{id}', { params: { path: { id: id.value } } }).catch(() => ({ data: undefined }))
    if (data && data.id === id.value) call.value = data
  }

  useLive().on((event) => {
    if (event?.type === 'call.offered') {
      id.value = event.data?.call ?? ''
      ticket.value = event.data?.ticket ?? event.id
      phase.value = 'incoming'
      void load()
    } else if (event?.type === 'call.answered') {
      id.value = event.id
      ticket.value = event.data?.ticket ?? ticket.value
      phase.value = 'talking'
      void load()
    } else if (event?.type === 'call.changed' && event.id === id.value) {
      void load()
    } else if (event?.type === 'call.ended' && event.id === id.value) {
      phase.value = 'ended'
      void load()
    }
  })

  return { phase, call, ticket, id, load }
})
