import { ref } from 'vue'
import { changedFields, conflicts, merge, type Conflict, type Draft } from '@/components/conflict'
import { useLastChange } from './useLastChange'

/** Somebody saved first (412): what both changed is chosen field by field, the rest merges by itself. What `ConflictPanel` shows. */
export function useConflict() {
  const lastChange = useLastChange()
  /** What they saved; null while there is no conflict. */
  const theirs = ref<Draft | null>(null)
  const found = ref<Conflict[]>([])
  const chosen = ref<Record<string, 'mine' | 'theirs'>>({})
  /** Fields that they changed and nobody has to choose about. */
  const taken = ref<string[]>([])
  const saver = ref({ who: '', age: '' })

  /** `id` finds in the audit trail who saved. */
  async function compare(id: string, base: Draft, mine: Draft, other: Draft): Promise<void> {
    theirs.value = other
    found.value = conflicts(base, mine, other)
    chosen.value = Object.fromEntries(found.value.map((one) => [one.field, 'mine' as const]))
    const open = new Set(found.value.map((one) => one.field))
    taken.value = Object.keys(changedFields(base, other)).filter((name) => !open.has(name))
    saver.value = await lastChange(id)
  }

  /** The choice as a draft that is made from their version; null where there was nothing to choose. */
  function settle(base: Draft, mine: Draft): { base: Draft; draft: Draft } | null {
    const other = theirs.value
    if (!other) return null
    const keep = new Set(found.value.filter((one) => chosen.value[one.field] === 'theirs').map((one) => one.field))
    theirs.value = null
    return { base: other, draft: merge(base, mine, other, keep) }
  }

  function forget(): void {
    theirs.value = null
  }

  return { theirs, found, chosen, taken, saver, compare, settle, forget }
}
