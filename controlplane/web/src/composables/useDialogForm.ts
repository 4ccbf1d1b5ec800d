import { ref, watch, type Ref } from 'vue'
import { useForm } from './useForm'
import { useIdempotency } from './useIdempotency'
import { queryClient } from '@/api/queryClient'
import type { KeyPrefix } from '@/api/keys'
import { useUi, type ToastLink } from '@/stores/ui'

/** What was done, in the past tense, what the other side of it answered, and where to go on from there. */
export type Said = [text: string, detail?: string, link?: ToastLink]

/** What follows when the server has accepted it. */
export interface Done<Answer> {
  /** Nothing where the page shows it by itself. */
  said?: Said | ((answer: Answer) => Said)
  /** What has to be read again. */
  touches: readonly KeyPrefix[]
  /** What makes two presses the same request; without it the draft. */
  content?: unknown
}

/**
 * The life of a dialog that sends one thing: a draft whose fields are the server's, the same content sent once however
 * often it is pressed; then it closes, says what was done, what it touched is read again, and the next draft is empty.
 */
export function useDialogForm<Draft extends Record<string, unknown>>(open: Ref<boolean>, empty: Draft) {
  const ui = useUi()
  const form = useForm(Object.keys(empty))
  const { keyFor, spent } = useIdempotency()
  const draft = ref({ ...empty }) as Ref<Draft>
  watch(open, (shown) => shown && form.reset(), { immediate: true })

  /** True when it was accepted. */
  async function send<Answer>(work: (key: string) => Promise<Answer>, { said, touches, content }: Done<Answer>): Promise<boolean> {
    const key = keyFor(content ?? draft.value)
    const accepted = await form.submit(async () => {
      const answer = await work(key)
      const words = typeof said === 'function' ? said(answer) : said
      if (words) ui.toast(...words)
    })
    if (!accepted) return false
    spent()
    draft.value = { ...empty }
    open.value = false
    await Promise.all(touches.map((queryKey) => queryClient.invalidateQueries({ queryKey })))
    return true
  }

  return { form, draft, send }
}
