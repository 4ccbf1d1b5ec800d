/**
 * Saved views of a list: a name for what stands in the address. The server has no place for them yet, so they are kept
 * in this browser, apart for each person; they hold filters and columns, and no rows.
 */
import { computed, ref } from 'vue'
import { useSession } from '@/stores/session'

export interface View {
  name: string
  /** Query of the address, without the place in the list and what is open. */
  query: Record<string, string>
}

type Stored = Record<string, View[]>

/** Parts of an address that belong to a moment and not to a view. */
const passing = new Set(['cursor', 'peek', 'do', 'step'])

/** The part of an address that a view keeps. */
export function viewQuery(query: Record<string, unknown>): Record<string, string> {
  const kept = Object.entries(query).filter(([name, value]) => typeof value === 'string' && value !== '' && !passing.has(name))
  return Object.fromEntries(kept.sort(([a], [b]) => a.localeCompare(b))) as Record<string, string>
}

export function sameQuery(a: Record<string, string>, b: Record<string, string>): boolean {
  return JSON.stringify(viewQuery(a)) === JSON.stringify(viewQuery(b))
}

/** Reads what is stored; anything else than views of lists is as good as nothing. */
export function parseViews(text: string | null): Stored {
  try {
    const value: unknown = JSON.parse(text ?? '{}')
    if (typeof value !== 'object' || value === null) return {}
    const lists = Object.entries(value).map(([list, views]) => [list, Array.isArray(views) ? views.filter(isView) : []])
    return Object.fromEntries(lists) as Stored
  } catch {
    return {}
  }
}

function isView(value: unknown): value is View {
  if (typeof value !== 'object' || value === null) return false
  const { name, query } = value as Partial<View>
  return typeof name === 'string' && typeof query === 'object' && query !== null
}

export function useViews(list: string) {
  const session = useSession()
  const key = ['atalaya', 'views', session.user?.id ?? ''].join('.')
  const stored = ref<Stored>(parseViews(read(key)))
  const views = computed(() => stored.value[list] ?? [])

  /** False when the browser does not keep it. */
  function keep(next: View[]): boolean {
    const all = { ...parseViews(read(key)), [list]: next }
    try {
      localStorage.setItem(key, JSON.stringify(all))
    } catch {
      return false
    }
    stored.value = all
    return true
  }

  return {
    views,
    save: (view: View) => keep([...views.value.filter((one) => one.name !== view.name), view]),
    remove: (name: string) => keep(views.value.filter((one) => one.name !== name)),
  }
}

function read(key: string): string | null {
  try {
    return localStorage.getItem(key)
  } catch {
    // Storage is switched off: there are no views, and saving one says so.
    return null
  }
}
