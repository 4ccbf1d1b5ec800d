/** A brand's own colour as a surface: the band of the log-in page, the head of an invoice. Controls wear its accent instead. */
import { contrast } from './contrast'

/** Least contrast of text, WCAG 2.2 AA. */
export const leastContrast = 4.5

export interface BrandSurface {
  color: string
  /** What is written on it. */
  ink: string
  /** Of both, 1 to 21. */
  ratio: number
}

/** Null for what is no `#rrggbb`. Black or white, whichever reads better: on every colour one of them has 4.58 or more. */
export function brandSurface(color: string | null | undefined): BrandSurface | null {
  if (!color || !/^#[0-9a-f]{6}$/i.test(color)) return null
  const [white, black] = [contrast('#FFFFFF', color), contrast('#000000', color)]
  return white >= black ? { color, ink: '#FFFFFF', ratio: white } : { color, ink: '#000000', ratio: black }
}
