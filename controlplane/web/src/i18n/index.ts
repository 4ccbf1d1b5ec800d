/**
 * Words in three languages. A language's messages are loaded when it is chosen; Spanish is the
 * first language and the one that the others are compared with by `scripts/check-i18n.mjs`.
 */
import { createI18n, type LocaleMessageDictionary, type VueMessageType } from 'vue-i18n'
import { pluralForm } from './plural'

export const languages = ['es-419', 'en', 'pt-BR'] as const
export type Language = (typeof languages)[number]

/** Each language, named in itself. */
export const languageNames: Record<Language, string> = { 'es-419': 'Español', en: 'English', 'pt-BR': 'Português' }

/** What the build makes of a catalogue: compiled messages, whose shape only vue-i18n knows. */
type Messages = LocaleMessageDictionary<VueMessageType>

const loaders: Record<Language, () => Promise<{ default: unknown }>> = {
  'es-419': () => import('./locales/es-419.json'),
  en: () => import('./locales/en.json'),
  'pt-BR': () => import('./locales/pt-BR.json'),
}

export const i18n = createI18n({
  legacy: false,
  locale: 'es-419' as string,
  fallbackLocale: false,
  missingWarn: true,
  pluralRules: Object.fromEntries(languages.map((language) => [language, pluralForm(language)])),
  messages: {},
})

/** Loads a language (once) and makes it the page's. */
export async function useLanguage(language: Language): Promise<void> {
  if (!i18n.global.availableLocales.includes(language)) {
    i18n.global.setLocaleMessage(language, (await loaders[language]()).default as Messages)
  }
  i18n.global.locale.value = language
  document.documentElement.lang = language
}

/** The language that fits a BCP 47 tag best: the tenant's locale, or the browser's. */
export function nearestLanguage(tags: readonly string[]): Language {
  for (const tag of tags) {
    const base = tag.toLowerCase().split('-')[0]
    if (base === 'es') return 'es-419'
    if (base === 'pt') return 'pt-BR'
    if (base === 'en') return 'en'
  }
  return 'es-419'
}
