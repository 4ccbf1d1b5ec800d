/** Which picture of an ISP's logo is shown where, and its address. */
import { pathWithQuery } from '@/api/client'

/** What is known of an ISP's looks, before log-in and after. */
export interface Branded {
  name: string
  slug: string
  /** Another id with each picture; null: none. */
  logo?: string | null
  /** The same for dark pages; null: the usual one. */
  logo_dark?: string | null
}

export interface LogoPicture {
  src: string
  /** Made for light pages and shown on something else: it stands on a light plate. */
  plate: boolean
}

/**
 * `dark`: on a dark page. `plate`: on paper or a brand's colour, where neither picture was made for what is below it. `door`: before
 * log-in, where the host selects the ISP, or a person did. Null where there is none for it.
 */
export function logoPicture(of: Branded, { dark = false, plate = false, door = false }): LogoPicture | null {
  const own = dark && !plate && Boolean(of.logo_dark)
  const id = own ? of.logo_dark : of.logo
  if (!id) return null
  const query = { theme: own ? 'dark' : '', tenant: door ? of.slug : '', v: id }
  return { src: pathWithQuery(door ? '/brand/logo' : '/tenant/logo', query), plate: plate || (dark && !own) }
}

export function hasLogo(of: Branded | null | undefined): boolean {
  return Boolean(of?.logo ?? of?.logo_dark)
}
