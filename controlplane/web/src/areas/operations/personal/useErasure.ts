import { computed, ref, watch, type Ref } from 'vue'
import { useQuery } from '@tanstack/vue-query'
import { soonWhilePending } from './copies'
import { isErasureOf, stageOf, type Person } from './erasure'
import { waitingAbout, waitingAboutKey } from '@/api/approvals'
import { personal, personalKeys } from '@/api/personal'
import { queryClient } from '@/api/queryClient'
import { useSession } from '@/stores/session'
import type { Approval } from '@/api/types'

/** The erasure of a person as the server has it: what was asked for, who has to agree, and how far it is. */
export function useErasure(person: Ref<Person>) {
  const session = useSession()
  const right = computed(() => `${person.value.kind}.erase`)
  /** Of the whole ISP: whoever sees a part of it only erases nobody. */
  const mayErase = computed(() => session.can(right.value) && session.user?.scope.kind === 'all')
  const query = useQuery({
    queryKey: computed(() => personalKeys.erasures(person.value.id)),
    queryFn: () => personal.erasures(person.value.id),
    enabled: mayErase,
    refetchInterval: ({ state }) => soonWhilePending(state.data?.items ?? []),
  })
  const erasure = computed(() => query.data.value?.items[0] ?? null)
  const mayRead = computed(() => session.can('approval.read'))
  const requests = useQuery({
    queryKey: computed(() => waitingAboutKey(person.value.id)),
    queryFn: () => waitingAbout(person.value.id),
    enabled: computed(() => mayErase.value && mayRead.value),
  })
  /** What was answered here, for whoever may not read what waits. */
  const asked = ref<Approval | null>(null)
  const approval = computed(() =>
    mayRead.value ? (requests.data.value?.items.find((one) => isErasureOf(one, person.value)) ?? null) : asked.value,
  )
  const stage = computed(() => stageOf(person.value.erased_at, erasure.value, approval.value))

  // Somebody decided: it has begun, or nothing came of it.
  watch(approval, (now, before) => {
    if (before && !now) void queryClient.invalidateQueries({ queryKey: personalKeys.erasures(person.value.id) })
  })
  watch(
    () => erasure.value?.state,
    (now, before) => {
      if (before !== 'pending' || now !== 'done') return
      const { kind, id } = person.value
      for (const queryKey of [personalKeys.person(kind, id), [`${kind}s`], [kind, id]]) void queryClient.invalidateQueries({ queryKey })
    },
  )

  return { right, mayErase, query, requests, erasure, approval, asked, stage }
}
