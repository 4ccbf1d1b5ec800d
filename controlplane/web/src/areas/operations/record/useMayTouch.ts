import { computed } from 'vue'
import { useI18n } from 'vue-i18n'
import { useSession } from '@/stores/session'

/** What was left with a thing, and by whom. */
interface Left {
  author_id: string
}

/** Who may write, change and remove what people leave with a thing: the server decides, the page offers no more than that. */
export function useMayTouch() {
  const { t } = useI18n()
  const session = useSession()
  const mayWrite = computed(() => session.can('note.write') && !session.readOnly)
  const refusal = computed(() => (session.can('note.write') ? '' : t('problem.permission_missing', { permission: 'note.write' })))

  function isOwn(left: Left): boolean {
    return left.author_id === session.user?.id
  }

  function mayRemove(left: Left): boolean {
    return mayWrite.value && (isOwn(left) || session.can('note.remove'))
  }

  return { mayWrite, refusal, isOwn, mayRemove }
}
