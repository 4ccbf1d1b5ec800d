/** What of a timeline a person looks for, as the server's filter wants it. */
export const timelineKinds = {
  money: 'payment.*,invoice.*',
  network: 'service.*,attachment.*,device.*,agent.*',
  people: 'customer.*,site.*,note.*,file.*,data_export.*,data_erasure.*',
} as const

export type TimelineKind = keyof typeof timelineKinds

/** The kind that an address names; none for one that is none. */
export function kindOf(name: unknown): TimelineKind | null {
  return typeof name === 'string' && Object.hasOwn(timelineKinds, name) ? (name as TimelineKind) : null
}

/** Letters of a note at most; the server refuses more. */
export const longestNote = 4000

/** Bytes of a file at most; the server refuses more. */
export const maxFileBytes = 10_000_000

/** What a file chooser offers: what the server takes. */
export const acceptedFiles = '.pdf,.png,.jpg,.jpeg,.gif,.webp,.txt,.csv,.log,.md,.json,.rsc,.cfg,.conf,.ini,.yaml,.yml'

/** Why a file is not even sent; null when it is. */
export function refusalOf(file: Pick<File, 'size'>): 'empty' | 'too_large' | null {
  if (file.size === 0) return 'empty'
  return file.size > maxFileBytes ? 'too_large' : null
}
