import { defineStore } from 'pinia'
import { computed, ref, shallowRef } from 'vue'
import { api, take, Failure, type Me, type Schemas } from '../../api/client'
import type { Spec } from '../actions'

export interface Named {
  code: string
  name: string
  parent?: string
}

/** Who is signed in, what the city's codes mean, and what the server's clock says. */
export const useSession = defineStore('session', () => {
  const me = shallowRef<Me>()
  const categories = shallowRef<Named[]>([])
  const districts = shallowRef<Named[]>([])
  const departments = shallowRef<Named[]>([])
  const actions = shallowRef<Spec[]>([])
  const offset = ref(0)

  const roles = computed(() => (me.value?.roles ?? []) as string[])
  const names = computed(() => new Map([...categories.value, ...districts.value, ...departments.value].map((n) => [n.code, n.name])))

  const fieldsOf = (action: string) => actions.value.find((a) => a.name === action)?.fields ?? []

  function setClock(server: number) {
    offset.value = server - Date.now()
  }

  /** True when a session is there. */
  async function load(): Promise<boolean> {
    try {
      const mine = await take(api.GET('/api/v1/me'))
      setClock(new Date(mine.now).getTime())
      me.value = mine
    } catch (error) {
      if (error instanceof Failure && error.status === 401) return false
      throw error
    }
    if (!me.value?.todo) await loadNames() // before that nothing else is answered
    return true
  }

  async function loadNames() {
    const [c, d, u, a] = await Promise.all([
      take(api.GET('/api/v1/categories')),
      take(api.GET('/api/v1/districts')),
      take(api.GET('/api/v1/departments')),
      has('secadmin', 'auditor') ? [] : api.GET('/api/v1/actions').then(({ data }) => data?.items ?? []), // they act on no tickets
    ])
    actions.value = a
    categories.value = c.items as Named[]
    districts.value = d.items as Named[]
    departments.value = u.items as Named[]
  }

  async function signIn(login: string, password: string, code = '') {
    await take(api.POST('/api/v1/session', { body: { login, password, ...(code ? { code } : {}) } as Schemas['Credentials'] }))
    await load()
  }

  async function signOut() {
    await take(api.DELETE('/api/v1/session')).catch(() => undefined)
    me.value = undefined
  }

  const has = (...wanted: string[]) => wanted.some((r) => roles.value.includes(r))
  /** The page that a person begins with. */
  const home = () => (has('agent') ? '/work' : has('secadmin', 'auditor') ? '/audit' : '/tickets')
  const nameOf = (code: string | undefined) => (code ? (names.value.get(code) ?? code) : '')
  const now = () => Date.now() + offset.value

  return { fieldsOf, me, roles, categories, districts, departments, load, loadNames, signIn, signOut, has, home, nameOf, now, setClock }
})
