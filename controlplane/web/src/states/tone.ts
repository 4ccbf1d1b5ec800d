/** The five states, and two looks for what is business and no alarm. */
import { mdiAlert, mdiCheckCircle, mdiCloseBox, mdiContentCut, mdiHelpCircleOutline, mdiWrench } from '@mdi/js'

export type Tone = 'good' | 'warning' | 'critical' | 'unknown' | 'maintenance' | 'plain' | 'inverse'

/** A state as a page shows it: how it looks and the key of its word. */
export interface StateView {
  tone: Tone
  label: string
}

/** Shape of each state; words and shape come before colour. */
export const toneIcon: Record<Tone, string | null> = {
  good: mdiCheckCircle,
  warning: mdiAlert,
  critical: mdiCloseBox,
  unknown: mdiHelpCircleOutline,
  maintenance: mdiWrench,
  inverse: mdiContentCut,
  plain: null,
}

const severity: Tone[] = ['critical', 'unknown', 'warning', 'inverse', 'maintenance', 'good', 'plain']

/** The tone that a person should see first. */
export function mostUrgent(tones: readonly Tone[]): Tone {
  return severity.find((tone) => tones.includes(tone)) ?? 'plain'
}
