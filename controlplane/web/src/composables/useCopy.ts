import { useI18n } from 'vue-i18n'
import { useUi } from '@/stores/ui'

/** Copies text; the clipboard interface is missing on plain-http hosts, where a selection still works. */
export function useCopy(): (text: string) => Promise<void> {
  const { t } = useI18n()
  const ui = useUi()

  return async (text) => {
    const done = (await modern(text)) || selection(text)
    ui.toast(done ? t('toast.copied') : t('toast.copy_failed'))
  }
}

async function modern(text: string): Promise<boolean> {
  if (!navigator.clipboard) return false
  try {
    await navigator.clipboard.writeText(text)
    return true
  } catch {
    return false
  }
}

function selection(text: string): boolean {
  const area = document.createElement('textarea')
  area.value = text
  area.className = 'sr-only'
  document.body.append(area)
  area.select()
  const done = document.execCommand('copy')
  area.remove()
  return done
}
