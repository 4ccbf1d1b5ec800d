import { computed, type Ref } from 'vue'
import { useI18n } from 'vue-i18n'
import { useFormat } from '@/composables/useFormat'
import { useNow } from '@/composables/useNow'
import { backupVerdict, findingTone } from '@/states/backup'
import type { BackupSeen } from '@/api/types'

/** What the newest copies say, in a sentence: whether there is a good one, of when, and whether one is being made. */
export function useBackupVerdict(rows: Ref<readonly BackupSeen[] | undefined>) {
  const { t } = useI18n()
  const format = useFormat()
  const now = useNow()
  const found = computed(() => backupVerdict(rows.value ?? [], now.value))
  const text = computed(() => {
    if (!rows.value) return ''
    const { finding, goodAt, running } = found.value
    const key = finding === 'failed' && !goodAt ? 'never' : finding
    const sentence = t(`backup.verdict.${key}`, { when: goodAt ? format.relative(goodAt, now.value) : '' })
    return running ? `${sentence} ${t('backup.verdict.running')}` : sentence
  })
  return { text, tone: computed(() => findingTone[found.value.finding]) }
}
