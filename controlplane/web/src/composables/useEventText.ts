/** A sentence per event type; payload fields that hold money are formatted, never glued. */
import { useI18n } from 'vue-i18n'
import type { Event, Finding, Money } from '@/api/types'
import type { Tone } from '@/states/tone'
import { deviceStateView } from '@/states/equipment'
import { useFinding } from './useFinding'
import { useFormat } from './useFormat'

const tones: Record<string, Tone> = {
  'attachment.reconnected': 'good',
  'attachment.session_seen': 'good',
  'attachment.cut': 'inverse',
  'attachment.apply_failed': 'critical',
  'attachment.cut_held': 'warning',
  'agent.enrolment_refused': 'warning',
  'service.suspended': 'inverse',
  'invoice.overdue': 'warning',
  'agent.connected': 'good',
  'agent.silent': 'critical',
  'agent.revoked': 'critical',
  'agent.duplicate_identity': 'critical',
  'network.timeline_raised': 'warning',
}

function isMoney(value: unknown): value is Money {
  return typeof value === 'object' && value !== null && 'amount' in value && 'currency' in value
}

function isFinding(value: unknown): value is Finding {
  return typeof value === 'object' && value !== null && 'code' in value && 'facts' in value && Array.isArray(value.facts)
}

export function useEventText() {
  const { t, te } = useI18n()
  const format = useFormat()
  const found = useFinding()

  /** A person by name, a program by what it is. */
  function actorOf(event: Event): string {
    if (['user', 'token', 'api_key', 'operator'].includes(event.actor.kind)) return event.actor.name
    return t(event.actor.kind === 'agent' ? 'events.by.agent' : 'events.by.system')
  }

  return (event: Event): { text: string; detail: string; actor: string; tone: Tone } => {
    const key = `event.${event.type}`
    const payload = event.payload ?? {}
    const amount = payload['amount'] ?? payload['total']
    const detail: string[] = []
    if (isMoney(amount)) detail.push(format.money(amount))
    for (const field of ['number', 'device_name', 'device', 'name', 'user', 'reason', 'detail']) {
      // Why a notice does not leave is a code; its own page has the words.
      if (field === 'reason' && event.type.startsWith('notice.')) continue
      const value = payload[field]
      if (typeof value === 'number') detail.push(format.integer(value))
      else if (typeof value === 'string' && value) {
        const { finding } = payload
        detail.push(field === 'detail' && isFinding(finding) ? found(finding, value) : value)
      }
    }
    // A device's new state is the news: the word of the state, not of the kind of event.
    const state = event.type === 'device.state_changed' ? deviceStateView(String(payload['to'])) : null
    const text = state ? t('event.device.is', { state: t(state.label) }) : te(key) ? t(key) : event.type
    return { text, detail: detail.join(' · '), actor: actorOf(event), tone: state?.tone ?? tones[event.type] ?? 'plain' }
  }
}
