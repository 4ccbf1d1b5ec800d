import { accentFor, type Accent } from './accent'
import { themes } from './theme'

/** The accent of a brand colour in both themes; `null` when one of them would look like an alarm or be hard to read. */
export function tenantAccents(brand: string): Record<'light' | 'dark', Accent> | null {
  const [light, dark] = (['light', 'dark'] as const).map((name) => {
    const colors = themes[name].colors ?? {}
    const color = (key: string) => String(colors[key] ?? '')
    return accentFor(brand, {
      dark: name === 'dark',
      background: color('background'),
      surface: color('surface'),
      alarms: [color('critical-solid'), color('warn-solid')],
    })
  })
  return light && dark ? { light, dark } : null
}
