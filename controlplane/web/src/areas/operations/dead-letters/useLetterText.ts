import { useI18n } from 'vue-i18n'
import type { DeadLetter } from '@/api/types'

/** What was given up in words of the page's language; what it does not know is shown as the server names it. */
export function useLetterText() {
  const { t, te } = useI18n()

  /** The fact that could not be handed on, or the work that could not be done. */
  function what(letter: Pick<DeadLetter, 'kind' | 'what'>): string {
    if (letter.kind === 'delivery') return te(`event.${letter.what}`) ? t(`event.${letter.what}`) : letter.what
    return te(`dead_letter.job.${letter.what}`) ? t(`dead_letter.job.${letter.what}`) : letter.what
  }

  /** Who could not take it. */
  function subscriber(letter: Pick<DeadLetter, 'subscriber'>): string {
    const name = letter.subscriber ?? ''
    return te(`dead_letter.subscriber.${name}`) ? t(`dead_letter.subscriber.${name}`) : name
  }

  return { what, subscriber }
}
