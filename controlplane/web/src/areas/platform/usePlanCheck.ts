import { useI18n } from 'vue-i18n'
import { planNumbers, wholeOrNothing } from './tenant'

/** What is wrong with a plan as it was typed, by field. */
export function usePlanCheck() {
  const { t } = useI18n()
  return (draft: Record<string, string>): Record<string, string | false> => ({
    name: !draft['name']?.trim() && t('field.required'),
    contact: !draft['contact']?.trim() && t('field.required'),
    ...Object.fromEntries(planNumbers.map((name) => [name, wholeOrNothing(draft[name] ?? '') === undefined && t('platform.plan.no_number')])),
  })
}
