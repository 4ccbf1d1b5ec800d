/** Notices to people: how what became of one looks. What somebody can mend is an alarm; what was decided is none. */
import type { Notice } from '@/api/types'
import type { Tone } from './tone'

export function noticeTone({ state, reason }: Pick<Notice, 'state' | 'reason'>): Tone {
  switch (state) {
    case 'sent':
      return 'good'
    case 'failed':
      return 'critical'
    case 'held':
      return reason === 'channel_off' ? 'warning' : 'plain'
    case 'waiting':
      return reason ? 'warning' : 'plain'
  }
}

/** What to do now, or why nothing has to be done; its words are `notice.next.…`. Nothing to say of what goes its way. */
export function noticeNext({ state, reason }: Pick<Notice, 'state' | 'reason'>): string | null {
  if (state === 'sent' || !reason) return null
  return state === 'waiting' ? 'trying' : reason
}

/** Whether it waits with what was given up, where a person has it tried again. */
export function waitsForPerson({ state, reason }: Pick<Notice, 'state' | 'reason'>): boolean {
  return state === 'failed' && reason === 'unreachable'
}
