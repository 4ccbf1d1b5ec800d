import { reactive } from 'vue'
import { refusalOf } from './kinds'
import { api } from '@/api/endpoints'
import { newIdempotencyKey } from '@/api/client'
import { keys } from '@/api/keys'
import { PageError } from '@/api/problem'
import { queryClient } from '@/api/queryClient'

/** A file on its way, or one that did not arrive. */
export interface UploadState {
  id: number
  file: File
  /** The same however often it is sent: it is stored once. */
  key: string
  /** 0 to 1. */
  share: number
  error: unknown
}

/** Files that are sent one after the other; what failed stays with its reason until it is sent again or dismissed. */
export function useUploads(subject: () => string) {
  const uploads = reactive<UploadState[]>([])
  let number = 0
  let last: Promise<void> = Promise.resolve()

  function add(files: readonly File[]): void {
    for (const file of files) {
      const refusal = refusalOf(file)
      const error = refusal ? new PageError(`record.refused_${refusal}`) : null
      uploads.push({ id: ++number, file, key: newIdempotencyKey(), share: 0, error })
      const state = uploads.at(-1)
      if (state && !refusal) enqueue(state)
    }
  }

  function enqueue(state: UploadState): void {
    const thing = subject()
    last = last.then(() => send(state, thing))
  }

  async function send(state: UploadState, thing: string): Promise<void> {
    state.error = null
    state.share = 0
    try {
      await api.files.create(thing, state.file.name, {
        file: state.file,
        idempotencyKey: state.key,
        onProgress: (share) => (state.share = share),
      })
    } catch (cause) {
      state.error = cause
      return
    }
    dismiss(state)
    await Promise.all([keys.files(thing), ['timeline', thing]].map((queryKey) => queryClient.invalidateQueries({ queryKey })))
  }

  function dismiss(state: UploadState): void {
    const at = uploads.findIndex((one) => one.id === state.id)
    if (at >= 0) uploads.splice(at, 1)
  }

  function retry(state: UploadState): void {
    state.error = null
    enqueue(state)
  }

  return { uploads, add, retry, dismiss }
}
