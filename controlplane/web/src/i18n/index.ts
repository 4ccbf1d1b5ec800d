/**
 * Words in three languages. A language's messages are loaded when it is chosen, and those of a part of the app that few
 * people open when it is opened. Spanish is the first language and the one that the others are compared with by
 * `scripts/check-i18n.mjs`.
 */
import { createI18n, type LocaleMessageDictionary, type VueMessageType } from 'vue-i18n'
import { pluralForm } from './plural'

export const languages = ['es-419', 'en', 'pt-BR'] as const
export type Language = (typeof languages)[number]

/** Each language, named in itself. */
export const languageNames: Record<Language, string> = { 'es-419': 'Español', en: 'English', 'pt-BR': 'Português' }

/** The languages that an ISP offers its people; all where there is no ISP. */
export function offered(codes: readonly string[] | undefined): readonly Language[] {
  return codes ? languages.filter((one) => codes.includes(one)) : languages
}

/** Parts of the app with words of their own; which folders use them stands in `parts/folders.json`. */
export type Part = 'administration' | 'agents' | 'approvals' | 'collections' | 'devices' | 'home' | 'notices' | 'personal' | 'platform' | 'record' | 'security' | 'services' | 'sign-on' | 'standing'

/** What the build makes of a catalogue: compiled messages, whose shape only vue-i18n knows. */
type Messages = LocaleMessageDictionary<VueMessageType>
type Loader = () => Promise<{ default: unknown }>

const loaders: Record<Language, Loader> = {
  'es-419': () => import('./locales/es-419.json'),
  en: () => import('./locales/en.json'),
  'pt-BR': () => import('./locales/pt-BR.json'),
}

const partLoaders: Record<Part, Record<Language, Loader>> = {
  administration: {
    'es-419': () => import('./parts/es-419.administration.json'),
    en: () => import('./parts/en.administration.json'),
    'pt-BR': () => import('./parts/pt-BR.administration.json'),
  },
  agents: {
    'es-419': () => import('./parts/es-419.agents.json'),
    en: () => import('./parts/en.agents.json'),
    'pt-BR': () => import('./parts/pt-BR.agents.json'),
  },
  approvals: {
    'es-419': () => import('./parts/es-419.approvals.json'),
    en: () => import('./parts/en.approvals.json'),
    'pt-BR': () => import('./parts/pt-BR.approvals.json'),
  },
  collections: {
    'es-419': () => import('./parts/es-419.collections.json'),
    en: () => import('./parts/en.collections.json'),
    'pt-BR': () => import('./parts/pt-BR.collections.json'),
  },
  devices: {
    'es-419': () => import('./parts/es-419.devices.json'),
    en: () => import('./parts/en.devices.json'),
    'pt-BR': () => import('./parts/pt-BR.devices.json'),
  },
  home: {
    'es-419': () => import('./parts/es-419.home.json'),
    en: () => import('./parts/en.home.json'),
    'pt-BR': () => import('./parts/pt-BR.home.json'),
  },
  notices: {
    'es-419': () => import('./parts/es-419.notices.json'),
    en: () => import('./parts/en.notices.json'),
    'pt-BR': () => import('./parts/pt-BR.notices.json'),
  },
  personal: {
    'es-419': () => import('./parts/es-419.personal.json'),
    en: () => import('./parts/en.personal.json'),
    'pt-BR': () => import('./parts/pt-BR.personal.json'),
  },
  platform: {
    'es-419': () => import('./parts/es-419.platform.json'),
    en: () => import('./parts/en.platform.json'),
    'pt-BR': () => import('./parts/pt-BR.platform.json'),
  },
  record: {
    'es-419': () => import('./parts/es-419.record.json'),
    en: () => import('./parts/en.record.json'),
    'pt-BR': () => import('./parts/pt-BR.record.json'),
  },
  security: {
    'es-419': () => import('./parts/es-419.security.json'),
    en: () => import('./parts/en.security.json'),
    'pt-BR': () => import('./parts/pt-BR.security.json'),
  },
  services: {
    'es-419': () => import('./parts/es-419.services.json'),
    en: () => import('./parts/en.services.json'),
    'pt-BR': () => import('./parts/pt-BR.services.json'),
  },
  'sign-on': {
    'es-419': () => import('./parts/es-419.sign-on.json'),
    en: () => import('./parts/en.sign-on.json'),
    'pt-BR': () => import('./parts/pt-BR.sign-on.json'),
  },
  standing: {
    'es-419': () => import('./parts/es-419.standing.json'),
    en: () => import('./parts/en.standing.json'),
    'pt-BR': () => import('./parts/pt-BR.standing.json'),
  },
}

export const i18n = createI18n({
  legacy: false,
  locale: 'es-419' as string,
  fallbackLocale: false,
  missingWarn: true,
  pluralRules: Object.fromEntries(languages.map((language) => [language, pluralForm(language)])),
  messages: {},
})

/** Parts that are open, or were: another language brings their words too. */
const opened = new Set<Part>()
/** What is loaded, `language part`; a part's words come once. */
const loaded = new Map<string, Promise<void>>()

function once(name: string, load: () => Promise<void>): Promise<void> {
  const known = loaded.get(name)
  if (known) return known
  const coming = load().catch((cause: unknown) => {
    loaded.delete(name)
    throw cause
  })
  loaded.set(name, coming)
  return coming
}

async function load(language: Language): Promise<void> {
  await once(language, async () => i18n.global.setLocaleMessage(language, (await loaders[language]()).default as Messages))
  await Promise.all([...opened].map((part) => loadPart(language, part)))
}

/** A part's words beside the others. No noun stands in two catalogues (the build checks it), so nothing is laid over anything. */
function loadPart(language: Language, part: Part): Promise<void> {
  return once(`${language} ${part}`, async () => {
    const words = (await partLoaders[part][language]()).default as object
    i18n.global.setLocaleMessage(language, { ...(i18n.global.getLocaleMessage(language) as object), ...words } as Messages)
  })
}

/** Loads a language (once) and makes it the page's. */
export async function useLanguage(language: Language): Promise<void> {
  await load(language)
  i18n.global.locale.value = language
  document.documentElement.lang = language
}

/** A page or component together with the words of its parts, for a dynamic import. */
export function withWords<Page>(parts: readonly Part[], page: () => Promise<Page>): () => Promise<Page> {
  return async () => {
    parts.forEach((part) => opened.add(part))
    const [shown] = await Promise.all([page(), load(i18n.global.locale.value as Language)])
    // Chosen meanwhile.
    await load(i18n.global.locale.value as Language)
    return shown
  }
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
