import { createRouter, createWebHistory } from 'vue-router'
import Home from './pages/Home.vue'
import Progress from './pages/Progress.vue'
import Report from './pages/Report.vue'

export const router = createRouter({
  history: createWebHistory(),
  routes: [
    { path: '/', component: Home },
    { path: '/report', component: Report },
    { path: '/query', component: Progress },
    { path: '/:rest(.*)*', redirect: '/' },
  ],
})
