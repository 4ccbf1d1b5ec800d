/** Three versions of one record: where both sides changed a field, a person chooses; the rest merges by itself. */

export type Draft = Record<string, string>

export interface Conflict {
  field: string
  base: string
  mine: string
  theirs: string
}

/** Fields of `next` that differ from `base`. */
export function changedFields(base: Draft, next: Draft): Draft {
  return Object.fromEntries(Object.entries(next).filter(([name, value]) => value !== (base[name] ?? '')))
}

/** Fields that both sides changed, to different values. */
export function conflicts(base: Draft, mine: Draft, theirs: Draft): Conflict[] {
  const ours = changedFields(base, mine)
  return Object.keys(ours)
    .filter((field) => (theirs[field] ?? '') !== (base[field] ?? '') && theirs[field] !== mine[field])
    .map((field) => ({ field, base: base[field] ?? '', mine: mine[field] ?? '', theirs: theirs[field] ?? '' }))
}

/** Their record with our changes laid over it; a field of `keepTheirs` stays as they saved it. */
export function merge(base: Draft, mine: Draft, theirs: Draft, keepTheirs: ReadonlySet<string>): Draft {
  const ours = Object.entries(changedFields(base, mine)).filter(([field]) => !keepTheirs.has(field))
  return { ...theirs, ...Object.fromEntries(ours) }
}
