/** What a brand colour becomes on the pages, and whether it can be read there. */
import { brandSurface, type BrandSurface } from '@/plugins/brand'
import type { Accent } from '@/plugins/accent'
import { contrast } from '@/plugins/contrast'
import { tenantAccents } from '@/plugins/tenantAccent'
import { themes } from '@/plugins/theme'

export type Look = 'light' | 'dark'

export interface BrandCheck {
  /** The name on the brand's own colour, or the controls of a theme. */
  what: 'surface' | Look
  /** Of the text that is read worst there, 1 to 21. */
  ratio: number
}

export interface BrandLooks {
  /** Null without a colour, or while it is not typed to its end. */
  surface: BrandSurface | null
  /** It cannot be worn by controls: they keep the usual accent. */
  refused: boolean
  looks: { theme: Look; style: Record<string, string> }[]
  checks: BrandCheck[]
}

export function brandLooks(color: string): BrandLooks {
  const surface = brandSurface(color)
  const accents = surface && tenantAccents(color)
  const each = (['light', 'dark'] as const).map((theme) => {
    const named = (key: string) => String(themes[theme].colors?.[key] ?? '')
    const accent: Accent = accents?.[theme] ?? { primary: named('primary'), onPrimary: named('on-primary'), tint: named('accent-tint') }
    const pairs = [named('background'), named('surface'), accent.tint, accent.onPrimary].map((other) => contrast(accent.primary, other))
    return {
      look: {
        theme,
        style: {
          '--brand-page': named('background'),
          '--brand-surface': named('surface'),
          '--brand-line': named('line'),
          '--brand-control': named('control'),
          '--brand-text': named('on-background'),
          '--brand-primary': accent.primary,
          '--brand-on-primary': accent.onPrimary,
          '--brand-tint': accent.tint,
          ...(surface ? { '--brand-color': surface.color, '--brand-ink': surface.ink } : {}),
        },
      },
      check: { what: theme, ratio: Math.min(...pairs) },
    }
  })
  return {
    surface,
    refused: surface !== null && !accents,
    looks: each.map((one) => one.look),
    checks: [...(surface ? [{ what: 'surface' as const, ratio: surface.ratio }] : []), ...each.map((one) => one.check)],
  }
}
