/**
 * The accent of a tenant from its brand colour: the hue stays, lightness moves until it can be read on our surfaces.
 * A colour that could be taken for an alarm, by anybody's eyes, is not used on controls.
 *
 * OKLab: Björn Ottosson 2020. Colour vision: Machado, Oliveira and Fernandes 2009, severity 1.
 */
import { contrast, linear, type Triple } from './contrast'

export interface Accent {
  primary: string
  onPrimary: string
  tint: string
}

/** Most colourful accent that still looks calm. */
const mostChroma = 0.17
/** Distance (OKLab × 100) below which two colours are taken for each other. */
const tooClose = 12

const simulations: Record<string, readonly Triple[]> = {
  none: [[1, 0, 0], [0, 1, 0], [0, 0, 1]],
  protan: [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]],
  deutan: [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.01182, 0.04294, 0.968881]],
  tritan: [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602], [0.004733, 0.691367, 0.3039]],
}

function toHex(rgb: Triple): string {
  const channel = (value: number) => {
    const clipped = Math.min(Math.max(value, 0), 1)
    const gamma = clipped <= 0.0031308 ? clipped * 12.92 : 1.055 * clipped ** (1 / 2.4) - 0.055
    return Math.round(gamma * 255).toString(16).padStart(2, '0')
  }
  return `#${rgb.map(channel).join('')}`.toUpperCase()
}

function times(matrix: readonly Triple[], [x, y, z]: Triple): Triple {
  const [a, b, c] = matrix.map((row) => row[0] * x + row[1] * y + row[2] * z)
  return [a ?? 0, b ?? 0, c ?? 0]
}

function oklab(rgb: Triple): Triple {
  const lms = times([[0.4122214708, 0.5363325363, 0.0514459929], [0.2119034982, 0.6806995451, 0.1073969566], [0.0883024619, 0.2817188376, 0.6299787005]], rgb)
  const [l, m, s] = lms
  return times(
    [[0.2104542553, 0.793617785, -0.0040720468], [1.9779984951, -2.428592205, 0.4505937099], [0.0259040371, 0.7827717662, -0.808675766]],
    [Math.cbrt(l), Math.cbrt(m), Math.cbrt(s)],
  )
}

function fromOklch(lightness: number, chroma: number, hue: number): Triple {
  const [l, m, s] = times(
    [[1, 0.3963377774, 0.2158037573], [1, -0.1055613458, -0.0638541728], [1, -0.0894841775, -1.291485548]],
    [lightness, chroma * Math.cos(hue), chroma * Math.sin(hue)],
  )
  return times([[4.0767416621, -3.3077115913, 0.2309699292], [-1.2684380046, 2.6097574011, -0.3413193965], [-0.0041960863, -0.7034186147, 1.707614701]], [l ** 3, m ** 3, s ** 3])
}

/** Smallest distance of two colours over all kinds of colour vision, OKLab × 100. */
export function distance(a: string, b: string): number {
  const each = Object.values(simulations).map((matrix) => {
    const clipped = (hex: string): Triple => {
      const [r, g, b] = times(matrix, linear(hex))
      return [Math.min(Math.max(r, 0), 1), Math.min(Math.max(g, 0), 1), Math.min(Math.max(b, 0), 1)]
    }
    const [p, q] = [oklab(clipped(a)), oklab(clipped(b))]
    return Math.hypot(p[0] - q[0], p[1] - q[1], p[2] - q[2]) * 100
  })
  return Math.min(...each)
}

/** The colours of one theme that an accent has to live with. */
export interface Ground {
  dark: boolean
  background: string
  surface: string
  alarms: readonly string[]
}

/** `null` when no accent of this hue can be used here. */
export function accentFor(brand: string, ground: Ground): Accent | null {
  if (!/^#[0-9a-f]{6}$/i.test(brand)) return null
  const [lightness, a, b] = oklab(linear(brand))
  const hue = Math.atan2(b, a)
  const chroma = Math.min(Math.hypot(a, b), mostChroma)
  const tint = toHex(fromOklch(ground.dark ? 0.29 : 0.955, Math.min(chroma, ground.dark ? 0.06 : 0.025), hue))
  const readable = (hex: string) =>
    ground.dark
      ? contrast(hex, ground.surface) >= 6 && contrast(hex, tint) >= 4.5
      : contrast(hex, ground.background) >= 4.5 && contrast(hex, tint) >= 4.5
  for (let at = lightness; at > 0.15 && at < 0.99; at += ground.dark ? 0.01 : -0.01) {
    const primary = toHex(fromOklch(at, chroma, hue))
    if (!readable(primary)) continue
    if (ground.alarms.some((alarm) => distance(primary, alarm) < tooClose)) return null
    const onPrimary = contrast('#FFFFFF', primary) >= contrast('#0A1A33', primary) ? '#FFFFFF' : '#0A1A33'
    return contrast(onPrimary, primary) >= 4.5 ? { primary, onPrimary, tint } : null
  }
  return null
}
