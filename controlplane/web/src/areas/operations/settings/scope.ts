import type { AccessScope } from '@/api/types'

/** Sites that a person is bound to; none is the whole ISP. */
export function sitesOf(scope: AccessScope): string[] {
  return scope.kind === 'sites' ? scope.site_ids : []
}

/** The scope of these sites, or of everything. */
export function scopeOf(site_ids: string[]): AccessScope {
  return site_ids.length ? { kind: 'sites', site_ids } : { kind: 'all' }
}
