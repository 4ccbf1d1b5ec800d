/** Copies of a person's data: what of them waits, what has come, and how it gets onto the disk. */
import type { DataExport } from '@/api/types'
import type { Tone } from '@/states/tone'

/** How often the page asks while something is being done, milliseconds: whoever may not see its event learns it so. */
export const pendingEvery = 3000

/** How soon a list is read again: while something in it is being done. */
export function soonWhilePending(rows: readonly { state: string }[]): number | false {
  return rows.some((one) => one.state === 'pending') ? pendingEvery : false
}

export const copyTone: Record<DataExport['state'], Tone> = { pending: 'plain', ready: 'good', expired: 'plain' }

type Copy = Pick<DataExport, 'id' | 'state'>

/** Whether one of those that are waited for, by their ids, can be fetched now; what is being made is waited for from then on. */
export function hasCome(awaited: Set<string>, now: readonly Copy[]): boolean {
  const come = now.filter((one) => one.state !== 'pending' && awaited.delete(one.id))
  for (const one of now) if (one.state === 'pending') awaited.add(one.id)
  return come.some((one) => one.state === 'ready')
}

/** As the server calls it: whose it is stands in no name of a file. */
export function fileName(copy: string, part: number): string {
  return `${copy}-${part}.zip`
}

/** A browser may begin to write a large one only after a while, milliseconds. */
const keptFor = 60_000

/** Has the browser save what was fetched: a link of the page could not ask for a proof of who is there. */
export function saveAs(content: Blob, name: string): void {
  const link = document.createElement('a')
  link.href = URL.createObjectURL(content)
  link.download = name
  link.click()
  setTimeout(() => URL.revokeObjectURL(link.href), keptFor)
}
