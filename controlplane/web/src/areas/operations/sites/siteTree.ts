import type { Site } from '@/api/types'

export type SiteRow = Site & { depth: number }

/**
 * Sites in tree order with their depth. A site whose parent is missing (out of this person's
 * scope) stands at the top; a loop in the data cannot hang the page.
 */
export function siteTree(sites: readonly Site[]): SiteRow[] {
  const known = new Set(sites.map((site) => site.id))
  const children = new Map<string, Site[]>()
  for (const site of sites) {
    const parent = site.parent_id && known.has(site.parent_id) ? site.parent_id : ''
    children.set(parent, [...(children.get(parent) ?? []), site])
  }
  const rows: SiteRow[] = []
  const placed = new Set<string>()
  function place(parent: string, depth: number): void {
    for (const site of children.get(parent) ?? []) {
      if (placed.has(site.id)) continue
      placed.add(site.id)
      rows.push({ ...site, depth })
      place(site.id, depth + 1)
    }
  }
  place('', 0)
  for (const site of sites) if (!placed.has(site.id)) rows.push({ ...site, depth: 0 })
  return rows
}
