import 'vuetify/styles/core'
import type { ComponentPublicInstance } from 'vue'
import { createVuetify, type LocaleMessages } from 'vuetify'
import { VProgressCircular } from 'vuetify/components/VProgressCircular'
import { aliases, mdi } from 'vuetify/iconsets/mdi-svg'
import { themes } from './theme'
import { i18n } from '@/i18n'

/** The nonce of this page's content security policy; the server writes it into index.html. */
function pageNonce(): string | undefined {
  const meta = document.querySelector<HTMLMetaElement>('meta[property="csp-nonce"]')
  return meta?.nonce || undefined
}

const field = {
  variant: 'outlined',
  density: 'compact',
  hideDetails: 'auto',
  persistentPlaceholder: true,
  color: 'primary',
} as const

export const vuetify = createVuetify({
  theme: { defaultTheme: 'system', themes, variations: false, ...nonceOption() },
  icons: { defaultSet: 'mdi', aliases, sets: { mdi } },
  // Its words (close, clear) come with the language of the page: `speak`.
  locale: { locale: 'es', fallback: 'es', messages: {} },
  display: { mobileBreakpoint: 'md' },
  defaults: {
    VBtn: { variant: 'text', rounded: 6, height: 32, ripple: false },
    VTextField: field,
    VSelect: field,
    VTextarea: field,
    VCard: { flat: true, border: true, rounded: 8 },
    VDialog: { maxWidth: 560, scrollable: true },
    VMenu: { offset: 4 },
    VIcon: { size: 20 },
    VTooltip: { openDelay: 400 },
    VTabs: { density: 'compact', color: 'primary' },
    VCheckbox: { hideDetails: true, density: 'compact', color: 'primary' },
    VSwitch: { hideDetails: true, density: 'compact', color: 'primary' },
    VTable: { density: 'compact', hover: true },
  },
})

/** A button that works shows a turning circle and gives it no name; to a screen reader it would be a bar at nothing. */
Object.assign(VProgressCircular, {
  mounted(this: ComponentPublicInstance) {
    ;(this.$el as HTMLElement).setAttribute('aria-label', i18n.global.t('form.busy'))
  },
})

function nonceOption(): { cspNonce?: string } {
  const nonce = pageNonce()
  return nonce ? { cspNonce: nonce } : {}
}

const words: Record<string, () => Promise<{ default: LocaleMessages }>> = {
  es: () => import('./words/es'),
  en: () => import('./words/en'),
  pt: () => import('./words/pt'),
}

/** Makes Vuetify's own words (close, clear) those of a language; each is loaded when it is first needed. */
export async function speak(language: string): Promise<void> {
  const short = language.slice(0, 2)
  const { messages, current } = vuetify.locale
  const load = words[short]
  if (load && !(short in messages.value)) messages.value = { ...messages.value, [short]: (await load()).default }
  current.value = short
}
