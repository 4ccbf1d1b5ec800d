/** The live connection: one stream per tab, its freshness, and its effect on the cache. */
import { computed, ref, watch } from 'vue'
import { defineStore } from 'pinia'
import { queryClient } from '@/api/queryClient'
import type { KeyPrefix } from '@/api/keys'
import { pathWithQuery } from '@/api/client'
import { openStream, type StreamConnection } from '@/api/stream/connection'
import { liveness } from '@/api/stream/liveness'
import { distinct, effectOf, patchRow, type RowPatch } from '@/api/stream/reducer'
import type { Event, Page } from '@/api/types'
import { useNow } from '@/composables/useNow'
import { useSession } from './session'

/** Events that come together are applied together, milliseconds. */
const batchWindow = 100

export const useLive = defineStore('live', () => {
  const session = useSession()
  const now = useNow()
  const heardAt = ref<number | null>(null)
  const startedAt = ref(Date.now())
  const connected = ref(false)
  /** Set for a moment after a return, when everything on screen was read again. */
  const caughtUpAt = ref<number | null>(null)
  const state = computed(() => liveness(heardAt.value, startedAt.value, connected.value, now.value))

  let connection: StreamConnection | null = null
  let waiting: KeyPrefix[] = []
  let timer: ReturnType<typeof setTimeout> | null = null

  function flush(): void {
    timer = null
    const due = distinct(waiting)
    waiting = []
    for (const queryKey of due) void queryClient.invalidateQueries({ queryKey })
  }

  function onEvent(event: Event): void {
    const effect = effectOf(event)
    if (effect.patch) applyPatch(effect.patch)
    waiting.push(...effect.invalidate)
    timer ??= setTimeout(flush, batchWindow)
  }

  function start(): void {
    stop()
    startedAt.value = Date.now()
    heardAt.value = null
    connection = openStream(pathWithQuery('/stream'), {
      onEvent,
      onHeard: (at) => (heardAt.value = at),
      onOpen: (resumed) => {
        connected.value = true
        heardAt.value = Date.now()
        if (!resumed) return
        caughtUpAt.value = Date.now()
        // Transient events are not replayed, and the server may have been another one meanwhile.
        void queryClient.invalidateQueries()
      },
      onLost: () => (connected.value = false),
      onSessionEnded: () => {
        connected.value = false
        if (session.session) session.ended = true
      },
    })
  }

  function stop(): void {
    connection?.stop()
    connection = null
    connected.value = false
  }

  watch(
    () => [session.session?.user.id, session.ended] as const,
    ([user, ended]) => (user && !ended ? start() : stop()),
    { immediate: true },
  )
  window.addEventListener('online', () => connection?.hurry())
  document.addEventListener('visibilitychange', () => {
    if (!document.hidden && !connected.value) connection?.hurry()
  })

  return { state, heardAt, caughtUpAt }
})

function applyPatch(patch: RowPatch): void {
  queryClient.setQueriesData<Page<{ id: string }>>({ queryKey: [`${patch.kind}s`] }, (page) =>
    page && { ...page, items: page.items.map((row) => (row.id === patch.id ? patchRow(row, patch.fields) : row)) },
  )
  queryClient.setQueryData<{ id: string }>([patch.kind, patch.id], (row) => row && patchRow(row, patch.fields))
}
