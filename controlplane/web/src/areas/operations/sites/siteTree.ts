import type { SiteAgent, SiteRow } from '@/api/types'

export type PlacedSite = SiteRow & { depth: number }

/**
 * Sites in tree order with their depth. A site whose parent is missing (out of this person's
 * scope) stands at the top; a loop in the data cannot hang the page.
 */
export function siteTree(sites: readonly SiteRow[]): PlacedSite[] {
  const known = new Set(sites.map((site) => site.id))
  const children = new Map<string, SiteRow[]>()
  for (const site of sites) {
    const parent = site.parent_id && known.has(site.parent_id) ? site.parent_id : ''
    children.set(parent, [...(children.get(parent) ?? []), site])
  }
  const rows: PlacedSite[] = []
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

/** What stands in the way of trusting a site's figures, in one sentence each: its silent agents. */
export function silentAgents(sites: readonly SiteRow[]): { site: SiteRow; agent: SiteAgent }[] {
  return sites.flatMap((site) =>
    (site.agents ?? []).filter((agent) => agent.here && agent.state === 'silent').map((agent) => ({ site, agent })),
  )
}
