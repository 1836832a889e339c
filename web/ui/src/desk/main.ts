import { createPinia } from 'pinia'
import { createApp } from 'vue'
import 'element-plus/dist/index.css'
import 'element-plus/theme-chalk/dark/css-vars.css'
import '../shared/tokens.css'
import './desk.css'
import { makeI18n } from '../shared/i18n'
import App from './App.vue'
import { router } from './router'
import { en, zh } from './texts'

createApp(App).use(createPinia()).use(makeI18n(zh, en)).use(router).mount('#app')
