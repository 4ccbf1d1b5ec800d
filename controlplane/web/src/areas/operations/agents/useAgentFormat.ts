import { useI18n } from 'vue-i18n'
import { useFormat } from '@/composables/useFormat'
import type { Agent } from '@/api/types'

/** What both an agent's own record and its line in a site's row tell. */
type Heard = Pick<Agent, 'state' | 'backlog_batches' | 'backlog_bytes' | 'clock_offset_ms'>

/** Backlog and clock in words; what a silent agent last said is not shown as if it were now. */
export function useAgentFormat() {
  const { t } = useI18n()
  const format = useFormat()

  return {
    backlog(agent: Heard): string {
      if (agent.state !== 'connected') return t('state.unknown')
      if (agent.backlog_batches === 0) return '0'
      const size = format.bytes(agent.backlog_bytes)
      return format.counted('agent.batches', agent.backlog_batches, { size })
    },
    clock(agent: Heard): string {
      if (agent.state !== 'connected') return t('state.unknown')
      const seconds = agent.clock_offset_ms / 1000
      return `${seconds > 0 ? '+' : ''}${format.decimal(seconds, 2)} s`
    },
  }
}
