import { createRouter, createWebHistory } from 'vue-router'
import { useSession } from './stores/session'

export const router = createRouter({
  history: createWebHistory('/desk'),
  routes: [
    { path: '/login', component: () => import('./pages/Login.vue'), meta: { open: true } },
    { path: '/work', component: () => import('./pages/Work.vue') },
    { path: '/floor', component: () => import('./pages/Floor.vue'), meta: { roles: ['lead', 'supervisor', 'admin'] } },
    { path: '/surveys', component: () => import('./pages/Surveys.vue'), meta: { roles: ['agent', 'lead', 'supervisor', 'admin'] } },
    { path: '/account', component: () => import('./pages/Account.vue') },
    { path: '/people', component: () => import('./pages/People.vue'), meta: { roles: ['admin', 'secadmin', 'auditor'] } },
    { path: '/audit', component: () => import('./pages/Audit.vue'), meta: { roles: ['secadmin', 'auditor'] } },
    { path: '/hotspots/:id?', component: () => import('./pages/Hotspots.vue'), meta: { roles: ['lead', 'dispatcher', 'supervisor', 'analyst'] } },
    { path: '/analysis', component: () => import('./pages/Analysis.vue'), meta: { roles: ['lead', 'dispatcher', 'qc', 'supervisor', 'analyst', 'admin', 'head'] } },
    { path: '/lists/:name?', component: () => import('./pages/Lists.vue'), meta: { roles: ['admin', 'lead', 'dispatcher'] } },
    { path: '/topics/:id?', component: () => import('./pages/Topics.vue'), meta: { roles: ['lead', 'dispatcher', 'supervisor', 'analyst'] } },
    { path: '/tickets', component: () => import('./pages/Tickets.vue') },
    { path: '/tickets/:ref', component: () => import('./pages/Ticket.vue') },
    { path: '/:rest(.*)*', redirect: () => useSession().home() },
  ],
})

router.beforeEach(async (to) => {
  const session = useSession()
  if (to.meta.open) return true
  if (!session.me && !(await session.load())) return { path: '/login', query: to.redirectedFrom ? {} : { next: to.fullPath } }
  if (session.me?.todo && to.path !== '/account') return '/account'
  const roles = to.meta.roles as string[] | undefined
  if (roles && !session.has(...roles)) return session.home()
  return true
})
