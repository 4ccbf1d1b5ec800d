/** Address of an ISP's page in the installation's own pages, which are another log-in: it is gone to with a fresh page. */
export function consolePage(tenant: string | undefined): string {
  return tenant ? `/platform/tenants/${encodeURIComponent(tenant)}` : '/platform'
}
