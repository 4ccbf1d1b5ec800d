import { computed } from 'vue'
import { keepPreviousData, useQuery } from '@tanstack/vue-query'
import { useI18n } from 'vue-i18n'
import type { Query } from '@/api/client'
import type { KeyPrefix } from '@/api/keys'
import { measuredEvery } from '@/api/queryClient'
import { useFormat } from '@/composables/useFormat'
import { useListState } from '@/composables/useListState'
import { useNow } from '@/composables/useNow'
import { backupVerdict, findingTone } from '@/states/backup'
import type { BackupSeen, Page } from '@/api/types'

/**
 * Copies of the installation, as an ISP or its operator may see them: the page of them that the address names, and what the
 * newest say in a sentence, whichever page is shown.
 */
export function useBackups<Row extends BackupSeen>(read: (query: Query) => Promise<Page<Row>>, keyOf: (query: Query) => KeyPrefix) {
  const { t } = useI18n()
  const format = useFormat()
  const now = useNow()
  const state = useListState([])
  const page = computed(() => ({ cursor: state.value('cursor') }))
  const newest = useQuery({ queryKey: keyOf({ cursor: '' }), queryFn: () => read({}), refetchInterval: measuredEvery })
  const list = useQuery({ queryKey: computed(() => keyOf(page.value)), queryFn: () => read(page.value), placeholderData: keepPreviousData })
  const found = computed(() => backupVerdict(newest.data.value?.items ?? [], now.value))

  const verdict = computed(() => {
    if (!newest.data.value) return ''
    const { finding, goodAt, running } = found.value
    const key = finding === 'failed' && !goodAt ? 'never' : finding
    const sentence = t(`backup.verdict.${key}`, { when: goodAt ? format.relative(goodAt, now.value) : '' })
    return running ? `${sentence} ${t('backup.verdict.running')}` : sentence
  })

  /** What `BackupList` shows. */
  const shown = computed(() => ({
    page: list.data.value,
    cursor: page.value.cursor,
    loading: list.isFetching.value && !list.data.value,
    error: list.error.value,
    retry: () => list.refetch(),
  }))

  return { verdict, tone: computed(() => findingTone[found.value.finding]), shown, goTo: state.goTo }
}
