import type { Ref } from 'vue'
import { useI18n } from 'vue-i18n'
import { keys } from '@/api/keys'
import { useDialogForm } from '@/composables/useDialogForm'
import type { Service } from '@/api/types'

/** A dialog that changes one service: its effect is the router's, so the page of the customer is read again. */
export function useServiceForm<Draft extends Record<string, unknown>>(open: Ref<boolean>, service: () => Service, empty: Draft) {
  const { t } = useI18n()
  const { form, draft, send } = useDialogForm(open, empty)

  /** Sends `content` by `work`; `said` is what was done, in the past tense. */
  function order(content: readonly unknown[], work: (key: string) => Promise<unknown>, said: string): Promise<boolean> {
    const { id, revision, customer_id: customer } = service()
    return send(work, { said: [said, t('service.sent_to_agent')], touches: [keys.customer(customer)], content: [id, revision, ...content] })
  }

  return { form, draft, order }
}
