import { createApp } from 'vue'
import { createPinia } from 'pinia'
import { VueQueryPlugin } from '@tanstack/vue-query'
import App from './App.vue'
import { queryClient } from './api/queryClient'
import { i18n } from './i18n'
import { speak, vuetify } from './plugins/vuetify'
import { createAppRouter } from './router'
import { useUi } from './stores/ui'
import './styles/fonts.css'
import './styles/base.css'

async function start(): Promise<void> {
  const app = createApp(App)
  app.use(createPinia())
  app.use(i18n)
  const { language, setLanguage } = useUi()
  await Promise.all([setLanguage(language, false), speak(language)])
  app.use(vuetify)
  app.use(VueQueryPlugin, { queryClient })
  app.use(createAppRouter())
  app.mount('#app')
}

void start()
