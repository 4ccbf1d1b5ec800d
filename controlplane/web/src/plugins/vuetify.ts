import 'vuetify/styles/core'
import { createVuetify } from 'vuetify'
import { aliases, mdi } from 'vuetify/iconsets/mdi-svg'
import { en, es, pt } from 'vuetify/locale'
import { themes } from './theme'

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
  locale: { locale: 'es', fallback: 'en', messages: { es, en, pt } },
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

function nonceOption(): { cspNonce?: string } {
  const nonce = pageNonce()
  return nonce ? { cspNonce: nonce } : {}
}
