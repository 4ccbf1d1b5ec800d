/** Addresses of every page, with ids of what the server under test has. */
import { get } from './session.mjs'

/** Name → path; a page whose record does not exist there is left out. */
export async function allPages(page) {
  const [customers, devices, agents, invoices, runs] = await Promise.all(
    ['/customers?limit=1', '/devices?limit=50', '/agents', '/invoices?limit=1', '/collections/runs'].map((path) => get(page, path)),
  )
  const customer = customers.items[0]?.id
  const router = devices.items.find((one) => one.kind === 'routeros')?.id
  const device = (router ?? devices.items[0]?.id) && `/devices/${router ?? devices.items[0].id}`
  const found = {
    home: '/',
    customers: '/customers',
    'customers, side view': customer && `/customers?peek=${customer}`,
    customer: customer && `/customers/${customer}`,
    'register payment': customer && `/customers/${customer}?do=pay`,
    'edit a customer': customer && `/customers/${customer}?do=edit`,
    invoices: '/invoices',
    invoice: invoices.items[0] && `/invoices/${invoices.items[0].id}`,
    payments: '/payments',
    plans: '/plans',
    collections: '/collections',
    'cut run': runs.items[0] && `/collections/runs/${runs.items[0].id}`,
    sites: '/sites',
    agents: '/agents',
    agent: agents.items[0] && `/agents/${agents.items[0].id}`,
    'new agent': '/agents?do=enroll',
    devices: '/devices',
    'new device': '/devices/new',
    device,
    'plan of changes': router && `/devices/${router}/plan`,
    events: '/events',
    audit: '/audit',
    settings: '/settings',
    users: '/settings?tab=users',
  }
  return Object.entries(found).filter(([, path]) => path)
}
