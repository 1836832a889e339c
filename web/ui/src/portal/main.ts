import { createApp } from 'vue'
import '../shared/tokens.css'
import './portal.css'
import App from './App.vue'
import { makeI18n } from '../shared/i18n'
import { router } from './router'
import { en, zh } from './texts'

createApp(App).use(makeI18n(zh, en)).use(router).mount('#app')
