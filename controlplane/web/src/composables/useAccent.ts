import { watch } from 'vue'
import { useTheme } from 'vuetify'
import { themes } from '@/plugins/theme'
import { useSession } from '@/stores/session'

/** Colours controls in the tenant's accent, where the brand colour allows one; otherwise in the default. */
export function useAccent(): void {
  const session = useSession()
  const theme = useTheme()

  async function apply(brand: string | null | undefined): Promise<void> {
    const accents = brand ? (await import('@/plugins/tenantAccent')).tenantAccents(brand) : null
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
  watch(() => session.tenant?.brand_color, (brand) => void apply(brand), { immediate: true })
}
