/** Rows of the audit in words of the page's language; what it does not know is shown as the server names it. */
import { computed } from 'vue'
import { useI18n } from 'vue-i18n'
import { nouns } from './entity'
import { changedFields, type Change, type Writers } from './changes'
import { useRightWords } from '@/areas/operations/settings/useRightWords'
import { useFormat } from '@/composables/useFormat'
import { i18n } from '@/i18n'
import type { AuditRow } from '@/api/types'

/** Fields that a row's summary names. */
const named = 3

export function useAuditText() {
  const { t, te, locale } = useI18n()
  const format = useFormat()
  const { noun } = useRightWords()
  const writers: Writers = {
    money: format.money,
    instant: (at) => `${format.day(at)} ${format.clock(at)}`,
    date: format.date,
    flag: (value) => t(value ? 'audit.yes' : 'audit.no'),
  }

  /** An action of its own name, else what became of which kind of thing. */
  function did(row: AuditRow): string {
    const key = `audit.did.${row.action}`
    if (te(key)) return t(key)
    if (!row.action.endsWith('.write')) return row.action
    const verb = !row.before_state ? 'created' : row.after_state ? 'changed' : 'removed'
    return t(`audit.verb.${verb}`, { noun: noun(row.entity_kind) })
  }

  function actor(row: AuditRow): string {
    // People and agents have names of their own; what else acts is named by its kind.
    if (row.actor_name && row.actor_kind === 'operator') return t('audit.operator', { name: row.actor_name })
    if (row.actor_name && ['user', 'agent', 'api_key', 'token'].includes(row.actor_kind)) return row.actor_name
    return te(`audit.by.${row.actor_kind}`) ? t(`audit.by.${row.actor_kind}`) : row.actor_kind
  }

  function fieldName(name: string): string {
    return te(`audit.field.${name}`) ? t(`audit.field.${name}`) : name
  }

  function changes(row: AuditRow): Change[] {
    return changedFields(row.before_state, row.after_state, writers).map((change) => ({ ...change, name: fieldName(change.name) }))
  }

  /** "Precio, Nombre y 2 más": what to expect behind the row. */
  function summary(row: AuditRow): string {
    const names = changes(row).map((change) => change.name)
    const shown = names.slice(0, named).join(', ')
    return names.length > named ? t('audit.and_more', { names: shown, n: names.length - named }) : shown
  }

  /** All that can be looked for: the changes of each noun together, and below it those that have a name of their own. */
  const actions = computed(() => {
    const { audit } = i18n.global.getLocaleMessage(locale.value) as { audit: { did: Record<string, Record<string, unknown>> } }
    return nouns.flatMap((one) => [
      { value: `${one}.*`, title: noun(one) },
      ...Object.keys(audit.did[one] ?? {}).map((verb) => ({ value: `${one}.${verb}`, title: `– ${t(`audit.did.${one}.${verb}`)}` })),
    ])
  })

  return { actions, noun, did, actor, changes, summary }
}
