import type { Ref } from 'vue'
import { useI18n } from 'vue-i18n'
import { keys } from '@/api/keys'
import { queryClient } from '@/api/queryClient'
import { useForm } from '@/composables/useForm'
import { useIdempotency } from '@/composables/useIdempotency'
import { useUi } from '@/stores/ui'
import type { Service } from '@/api/types'

/**
 * The life of a dialog that changes one service: the same content is sent once however often it is pressed, then the
 * dialog closes, says what was done, and the customer's page is read again.
 */
export function useServiceForm(fields: readonly string[], service: () => Service, open: Ref<boolean>) {
  const { t } = useI18n()
  const ui = useUi()
  const form = useForm(fields)
  const keyFor = useIdempotency()

  /** Sends `content` by `work`; true when it was accepted. `said` is what was done, in the past tense. */
  async function send(content: readonly unknown[], work: (key: string) => Promise<unknown>, said: string): Promise<boolean> {
    const { id, revision, customer_id: customer } = service()
    const key = keyFor([id, revision, ...content])
    if (!(await form.submit(() => work(key)))) return false
    open.value = false
    ui.toast(said, t('service.sent_to_agent'))
    await queryClient.invalidateQueries({ queryKey: keys.customer(customer) })
    return true
  }

  return { form, send }
}
