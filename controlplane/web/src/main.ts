import { createApp } from 'vue'
import { createPinia } from 'pinia'
import { VueQueryPlugin } from '@tanstack/vue-query'
import App from './App.vue'
import { queryClient } from './api/queryClient'
import { i18n } from './i18n'
import { vuetify } from './plugins/vuetify'
import { createAppRouter } from './router'
import { useUi } from './stores/ui'
import './styles/fonts.css'
import './styles/base.css'

async function start(): Promise<void> {
  const app = createApp(App)
  app.use(createPinia())
  app.use(i18n)
  await useUi().setLanguage(useUi().language, false)
  app.use(vuetify)
  app.use(VueQueryPlugin, { queryClient })
  app.use(createAppRouter())
  app.mount('#app')
}

void start()
