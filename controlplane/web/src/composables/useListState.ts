/**
 * State of a list in the address: search words, filters, order and place. Typing replaces the
 * history entry after a pause, every other choice adds one, so that Back undoes it.
 */
import { computed, ref, watch } from 'vue'
import { useRoute, useRouter, type LocationQueryRaw } from 'vue-router'
import type { Query } from '@/api/client'

const typingPause = 300

export function useListState(filterNames: readonly string[], defaults: Record<string, string> = {}) {
  const route = useRoute()
  const router = useRouter()
  const here = route.name

  function fromRoute(name: string): string {
    const value = route.query[name]
    return (Array.isArray(value) ? value[0] : value) ?? ''
  }

  const names = ['q', ...filterNames, 'sort', 'cursor']
  const text = ref(fromRoute('q'))
  let timer: ReturnType<typeof setTimeout> | undefined

  /** Parameters for the server: what the address says, defaults filled in. */
  const query = computed<Query>(() => {
    const result: Query = {}
    for (const name of names) {
      const value = fromRoute(name) || defaults[name]
      if (value) result[name] = value
    }
    return result
  })

  const filtered = computed(() => ['q', ...filterNames].some((name) => fromRoute(name) !== ''))

  function merged(changes: Record<string, string>): LocationQueryRaw {
    const next: LocationQueryRaw = { ...route.query }
    for (const [name, value] of Object.entries(changes)) {
      if (value === '' || value === defaults[name]) delete next[name]
      else next[name] = value
    }
    return next
  }

  /** Sets a filter; the list starts at its beginning again. */
  function set(name: string, value: string): void {
    void router.push({ query: merged({ [name]: value, cursor: '' }) })
  }

  function goTo(cursor: string): void {
    void router.push({ query: merged({ cursor }) })
  }

  function clear(): void {
    text.value = ''
    void router.push({ query: merged(Object.fromEntries(names.map((name) => [name, '']))) })
  }

  watch(text, (value) => {
    clearTimeout(timer)
    timer = setTimeout(() => {
      if (route.name !== here || value === fromRoute('q')) return
      void router.replace({ query: merged({ q: value, cursor: '' }) })
    }, typingPause)
  })
  watch(
    () => route.query['q'],
    () => {
      if (route.name === here) text.value = fromRoute('q')
    },
  )

  function type(value: string): void {
    text.value = value
  }

  return { text, type, query, filtered, set, goTo, clear, value: (name: string) => fromRoute(name) || defaults[name] || '' }
}

export type ListState = ReturnType<typeof useListState>
