import { computed } from 'vue'
import { mayDecide } from './operations'
import { waitingAllKey, waitingApprovals } from '@/api/approvals'
import { usePages } from '@/areas/operations/record/usePages'
import { useSession } from '@/stores/session'
import type { Approval } from '@/api/types'

/** What waits for a second person, and what of it waits for this one. Whoever sees a part of the ISP only sees none of it. */
export function useWaiting() {
  const session = useSession()
  const may = computed(() => session.can('approval.read') && session.user?.scope.kind === 'all')
  const { query, rows } = usePages<Approval>(
    computed(() => waitingAllKey),
    waitingApprovals,
    () => false,
    may,
  )
  const mine = (one: Approval) => mayDecide(one, session.user?.id, session.can)
  const forMe = computed(() => rows.value.filter(mine))
  return { may, query, rows, mine, forMe }
}
