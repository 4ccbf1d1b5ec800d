import { watch } from 'vue'
import { useTheme } from 'vuetify'
import { themes } from '@/plugins/theme'

/** Colours controls in an ISP's accent, where its brand colour allows one; otherwise in the default. */
export function useAccent(brand: () => string | null | undefined): void {
  const theme = useTheme()
  /** The newest colour that was asked for: one that takes longer to come is not laid over it. */
  let latest = 0

  async function apply(color: string | null | undefined): Promise<void> {
    const turn = ++latest
    const accents = color ? (await import('@/plugins/tenantAccent')).tenantAccents(color) : null
    if (turn !== latest) return
    for (const name of ['light', 'dark'] as const) {
      const colors = theme.themes.value[name]?.colors
      const own = accents?.[name]
      const usual = themes[name].colors
      if (!colors) continue
      for (const key of ['primary', 'info'] as const) colors[key] = own?.primary ?? String(usual?.[key])
      for (const key of ['on-primary', 'on-info'] as const) colors[key] = own?.onPrimary ?? String(usual?.[key])
      colors['accent-tint'] = own?.tint ?? String(usual?.['accent-tint'])
    }
  }
  watch(brand, (color) => void apply(color), { immediate: true })
}
