/** Fictional data in the shape of the contract, for looking at pages. Nothing here is a real person or place. */
const alphabet = '0123456789abcdefghjkmnpqrstvwxyz'
let counter = 0

/** Ids of the right shape that sort by creation. */
export function id(prefix) {
  counter += 1
  let rest = counter
  let text = ''
  for (let i = 0; i < 26; i++) {
    text = alphabet[rest % 32] + text
    rest = Math.floor(rest / 32)
  }
  return `${prefix}_${text}`
}

export const ago = (seconds) => new Date(Date.now() - seconds * 1000).toISOString()
export const day = (offset) => new Date(Date.now() + offset * 86_400_000).toISOString().slice(0, 10)
export const soles = (amount) => ({ amount, currency: 'PEN' })

const given = ['Rosa', 'Luis', 'Maribel', 'Julián', 'Nélida', 'Wilmer', 'Carmen', 'Óscar', 'Yesenia', 'Ramiro']
const family = ['Quispe Ficticia', 'Huamán Ejemplo', 'Rojas Demo', 'Mamani Prueba', 'Salas Inventada', 'Ccori Modelo']

export const permissions = [
  'customer.read', 'customer.write', 'payment.read', 'payment.register', 'service.read', 'service.write',
  'service.suspend', 'service.reconnect', 'attachment.write', 'device.read', 'device.write', 'device.enforce',
  'agent.read', 'agent.enroll', 'agent.revoke', 'invoice.read', 'invoice.issue', 'invoice.void', 'collections.read',
  'collections.run', 'tenant.write', 'user.read', 'user.write', 'audit.read', 'metrics.read', 'site.read',
  'site.write', 'plan.read', 'plan.write', 'event.read',
]

export const session = {
  user: { id: 'usr_00000000000000000000000001', name: 'Rosa Demo', email: 'rosa@netandina.example', role: 'owner' },
  tenant: {
    id: 'ten_00000000000000000000000001', slug: 'netandina', name: 'NetAndina (demo)', currency: 'PEN',
    time_zone: 'America/Lima', locale: 'es-PE', country: 'PE', brand_color: null,
  },
  permissions,
  csrf_token: 'double',
  environment: 'development',
  safe_mode: process.env.DOUBLE_SAFE_MODE === '1',
}

function plan(name, down, up, price) {
  return { id: id('pln'), name, download_bps: down * 1e6, upload_bps: up * 1e6, price: soles(price), active: true }
}

function site(name, parent) {
  return { id: id('sit'), name, parent_id: parent, latitude: null, longitude: null }
}

function agent(name, siteIds, state, more = {}) {
  return {
    id: id('agt'), name, site_ids: siteIds, state, last_seen_at: state === 'connected' ? ago(2) : ago(840),
    version: '0.1.0', backlog_batches: 0, backlog_bytes: 0, oldest_unsent_at: null, buffer_state: 'ok',
    clock_offset_ms: 24, certificate_expires_at: ago(-80 * 86_400), config_version: 7, config_version_wanted: 7,
    cuts_held_reason: null, duplicate_identity_at: null, ...more,
  }
}

function device(name, kind, where, by, more = {}) {
  return {
    id: id('dev'), name, kind, host: `10.20.0.${counter % 250}`, port: kind === 'routeros' ? 8729 : 161,
    tls: kind === 'routeros', site_id: where.id, site_name: where.name, agent_id: by.id, mode: 'observe',
    state: 'answers', state_detail: '', state_finding: null, ping: true, state_since: ago(86_400 * 3), last_answer_at: ago(8),
    model: kind === 'routeros' ? 'CCR2004-16G-2S+' : 'net-snmp', version: kind === 'routeros' ? '7.16' : '5.9',
    serial: kind === 'routeros' ? 'HF10DEMO01' : null, uptime_s: 3_600_000, points_total: kind === 'routeros' ? 150 : 0,
    points_differ: 0, measure_interval_s: 60, ...more,
  }
}

function point(on, state, status) {
  const applied = state === 'applied'
  return {
    id: id('enp'), device_id: on.id, device_name: on.name, device_mode: on.mode,
    desired: { status, timeline: 12, generation: 41, download_bps: 1e8, upload_bps: 5e7 },
    observed: {
      status: applied ? status : 'active', outcome: state, timeline: 12, generation: applied ? 41 : 40,
      detail: state === 'failed' ? 'no such item' : null, read_at: ago(40), applied_at: applied ? ago(900) : null,
      session: applied && status === 'active'
        ? { present: true, since: ago(880), address: '100.64.3.17', caller_id: '02:00:00:00:3A:17' } : null,
    },
    state, held_reason: state === 'held' ? 'brake' : null,
  }
}

const networks = [
  ['online', 'active', 'applied'], ['online', 'active', 'applied'], ['cut', 'suspended', 'applied'],
  ['unblocked_waiting', 'active', 'applied'], ['unknown', 'active', 'unknown'], ['not_applied', 'suspended', 'would_apply'],
  ['pending', 'active', 'pending'], ['not_applied', 'suspended', 'failed'], ['online', 'active', 'applied'],
]

function service(owner, of, where, routers, index) {
  const [state, status, pointState] = networks[index % networks.length]
  const points = routers.map((router) => point(router, pointState, status))
  return {
    id: id('svc'), customer_id: owner, plan: of, site_id: where.id, status,
    suspended_because: status === 'suspended' ? 'overdue' : null,
    network: {
      state, points_total: points.length, points_applied: pointState === 'applied' ? points.length : 0,
      unblocked_at: status === 'active' && pointState === 'applied' ? ago(904) : null,
      session_seen_at: state === 'online' ? ago(900) : null, cut_at: state === 'cut' ? ago(56_000) : null, detail: null,
    },
    attachments: [{ id: id('att'), kind: 'pppoe', user: `demo${index}`, address: null, points }],
    revision: 1,
  }
}

function invoice(customer, number, offset, amount, paid) {
  const overdue = offset < 0 && paid < amount
  return {
    id: id('inv'), number, customer_id: customer.id, customer_name: customer.name,
    status: paid >= amount ? 'paid' : paid > 0 ? 'partly_paid' : 'open', overdue, days_overdue: overdue ? -offset : 0,
    issued_on: day(offset - 10), due_on: day(offset), total: soles(amount), paid: soles(paid), balance: soles(amount - paid),
    period: { from: day(offset - 30), to: day(offset) },
    lines: [{ description: 'Fibra 100, noviembre 2026', amount: soles(Math.round(amount / 1.18)) },
      { description: 'IGV 18 %', amount: soles(amount - Math.round(amount / 1.18)) }],
  }
}

/** Everything the double knows; `full` false gives a tenant on its first day. */
export function makeWorld(full) {
  counter = 100
  const world = {
    sites: [], agents: [], devices: [], plans: [], customers: [], services: [], invoices: [], payments: [], runs: [],
    events: [], audit: [], users: [{ ...session.user, disabled: false }], tests: new Map(), credit: new Map(),
    tenant: {
      ...session.tenant, grace_days: 5, debt_tolerance: 1000, cut_brake_floor: 10, cut_brake_basis_points: 300, cut_brake_tenant_basis_points: 200,
      offline_cuts: false, automatic_cuts: 'off_until_preview', version: 3,
    },
  }
  if (!full) return world
  const north = site('Cerro Alto', null)
  const sector = site('Sector N-2', north.id)
  const south = site('Loma', null)
  const first = agent('ca-1', [north.id, sector.id], 'connected')
  const second = agent('lo-1', [south.id], 'silent', { backlog_batches: 41, backlog_bytes: 2_400_000 })
  world.sites.push(north, sector, south)
  world.agents.push(first, second)
  const routers = [
    device('RB-CA-1', 'routeros', north, first, { mode: 'enforce' }),
    device('RB-CA-2', 'routeros', north, first, { points_differ: 14 }),
    device('RB-LO-1', 'routeros', south, second, { state: 'unknown', last_answer_at: ago(840) }),
  ]
  world.devices.push(...routers, device('SW-CA', 'snmp', north, first),
    device('SW-LO', 'snmp', south, second, { state: 'unknown' }),
    device('GW-LO', 'icmp', south, first, { state: 'refuses', state_detail: 'refused: invalid user name or password (6)', state_finding: { code: 'refused', facts: [{ name: 'words', value: 'invalid user name or password (6)' }] }, model: null, version: null }))
  world.plans.push(plan('Fibra 50', 50, 25, 6900), plan('Fibra 100', 100, 50, 8900), plan('Radio 20', 20, 5, 5500))
  for (let i = 0; i < 120; i++) {
    const customer = {
      id: id('cus'), name: `${family[i % family.length]}, ${given[(i * 7) % given.length]} ${i + 1}`,
      document: `9000${String(i).padStart(4, '0')}`, phone: `+51 900 000 ${String(i).padStart(3, '0')}`,
      email: `cliente${i}@example.org`, address: `Jr. Ficticio ${100 + i}`, notes: null, created_at: ago(86_400 * 200),
    }
    const one = service(customer.id, world.plans[i % 3], i % 2 ? south : north, i % 4 ? [routers[0]] : routers.slice(0, 2), i)
    const owes = one.status === 'suspended'
    const bills = [invoice(customer, 10_000 + i * 2, -6 - (i % 30), one.plan.price.amount, owes ? 0 : one.plan.price.amount),
      invoice(customer, 10_001 + i * 2, 12, one.plan.price.amount, i % 3 ? one.plan.price.amount : 0)]
    world.customers.push(customer)
    world.services.push(one)
    world.invoices.push(...bills)
  }
  return world
}
