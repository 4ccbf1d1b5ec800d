/** Choices of the person at this browser: language, theme, density, how times are written. No secrets. */
import { ref, watch } from 'vue'
import { defineStore } from 'pinia'
import type { RouteLocationRaw } from 'vue-router'
import { languages, nearestLanguage, useLanguage, type Language } from '@/i18n'

export type ThemeChoice = 'system' | 'light' | 'dark'
export type Density = 'compact' | 'comfortable'
/** On what documents are printed: a sheet, or a receipt roll of 80 or 58 mm. */
export type Paper = 'a4' | 'roll80' | 'roll58'
export const papers: readonly Paper[] = ['a4', 'roll80', 'roll58']

export interface Toast {
  id: number
  text: string
  detail: string
  /** Where to go on from here. */
  link: ToastLink | null
}

export interface ToastLink {
  text: string
  to: RouteLocationRaw
}

interface Stored {
  language?: Language
  theme: ThemeChoice
  density: Density
  shortcuts: boolean
  paper: Paper
}

const storageKey = 'atalaya.ui'

function readStored(): Stored {
  const fallback: Stored = { theme: 'system', density: 'compact', shortcuts: true, paper: 'a4' }
  try {
    const value = JSON.parse(localStorage.getItem(storageKey) ?? '{}') as Partial<Stored>
    const stored: Stored = { ...fallback }
    if (value.language && languages.includes(value.language)) stored.language = value.language
    if (value.theme === 'light' || value.theme === 'dark') stored.theme = value.theme
    if (value.density === 'comfortable') stored.density = value.density
    if (value.shortcuts === false) stored.shortcuts = false
    stored.paper = papers.find((one) => one === value.paper) ?? stored.paper
    return stored
  } catch {
    // Storage switched off or holding something else: the defaults are good enough.
    return fallback
  }
}

export const useUi = defineStore('ui', () => {
  const stored = readStored()
  const language = ref<Language>(stored.language ?? nearestLanguage(navigator.languages))
  const languageChosen = ref(stored.language !== undefined)
  const theme = ref<ThemeChoice>(stored.theme)
  const density = ref<Density>(stored.density)
  /** Single-letter keys; off for those whom they disturb. */
  const shortcuts = ref(stored.shortcuts)
  const paper = ref<Paper>(stored.paper)
  /** `t` flips the whole page between relative and absolute times. */
  const absoluteTimes = ref(false)
  const toasts = ref<Toast[]>([])
  let nextToast = 1

  function persist(): void {
    const value: Stored = { theme: theme.value, density: density.value, shortcuts: shortcuts.value, paper: paper.value }
    if (languageChosen.value) value.language = language.value
    try {
      localStorage.setItem(storageKey, JSON.stringify(value))
    } catch {
      // A full or forbidden storage loses only this preference.
    }
  }

  async function setLanguage(next: Language, chosen = true): Promise<void> {
    await useLanguage(next)
    language.value = next
    if (chosen) languageChosen.value = true
  }

  /** The tenant's language, unless this person chose one. */
  async function suggestLanguage(tag: string): Promise<void> {
    if (!languageChosen.value) await setLanguage(nearestLanguage([tag]), false)
  }

  /** What happened, in the past tense, with the device's own answer as detail. At most three at once. */
  function toast(text: string, detail = '', link: ToastLink | null = null): void {
    toasts.value = [...toasts.value, { id: nextToast++, text, detail, link }].slice(-3)
  }

  watch([language, theme, density, shortcuts, paper], persist)
  watch(density, (value) => (document.documentElement.dataset['density'] = value), { immediate: true })

  return {
    language,
    theme,
    density,
    shortcuts,
    paper,
    absoluteTimes,
    toasts,
    setLanguage,
    suggestLanguage,
    toast,
  }
})
