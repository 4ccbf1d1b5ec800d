import { describe, expect, it } from 'vitest'
import { distance } from '@/plugins/accent'
import { contrast } from '@/plugins/contrast'
import { tenantAccents } from '@/plugins/tenantAccent'
import { themes } from '@/plugins/theme'

const color = (theme: 'light' | 'dark', key: string) => String(themes[theme].colors?.[key])

describe('tenant accent', () => {
  it('agrees with the ratios of the design page', () => {
    expect(contrast('#1F56C4', '#FFFFFF')).toBeCloseTo(6.59, 1)
    expect(contrast('#8DB4FF', '#161E27')).toBeCloseTo(8.08, 1)
  })

  it('keeps text readable for every brand that it accepts', () => {
    let accepted = 0
    for (const brand of ['#1F56C4', '#7B2FF7', '#008577', '#0A0A60', '#004D40', '#B000B5', '#00AEEF', '#2E7D32']) {
      const accents = tenantAccents(brand)
      if (!accents) continue
      accepted += 1
      expect(contrast(accents.light.primary, color('light', 'background'))).toBeGreaterThanOrEqual(4.5)
      expect(contrast(accents.light.primary, accents.light.tint)).toBeGreaterThanOrEqual(4.5)
      expect(contrast(accents.dark.primary, color('dark', 'surface'))).toBeGreaterThanOrEqual(6)
      for (const theme of ['light', 'dark'] as const) {
        expect(contrast(accents[theme].onPrimary, accents[theme].primary)).toBeGreaterThanOrEqual(4.5)
        for (const alarm of ['critical-solid', 'warn-solid']) {
          expect(distance(accents[theme].primary, color(theme, alarm))).toBeGreaterThanOrEqual(12)
        }
      }
    }
    expect(accepted).toBeGreaterThan(2)
  })

  it('refuses the red of an alarm and what is no colour', () => {
    expect(tenantAccents('#C62828')).toBeNull()
    expect(tenantAccents('red')).toBeNull()
  })
})
