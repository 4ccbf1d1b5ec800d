import { useI18n } from 'vue-i18n'
import { useFormat } from './useFormat'
import type { Finding } from '@/api/types'

/** Facts that are numbers, and not words of a device that happen to be digits. */
const numbers = new Set(['count', 'radius', 'sessions', 'ms', 'percent', 'seconds'])

/** What an agent found, as a sentence of the page's language; `sentence` is the agent's own, for a newer word than this page knows. */
export function useFinding() {
  const { t, te } = useI18n()
  const format = useFormat()

  function fact(name: string, value: string): string {
    const [whole, decimals = ''] = value.split('.')
    const number = Number(value)
    if (!numbers.has(name) || !whole || !Number.isFinite(number)) return value
    return decimals ? format.decimal(number, decimals.length) : format.integer(number)
  }

  return (finding: Finding | null | undefined, sentence: string): string => {
    const key = `finding.${finding?.code ?? ''}`
    if (!finding || !te(key)) return sentence
    return t(key, Object.fromEntries(finding.facts.map(({ name, value }) => [name, fact(name, value)])))
  }
}
