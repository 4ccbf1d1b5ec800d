/** Answers of the test double. Only as clever as looking at pages needs. */
import { ago, day, id, session, soles } from './data.mjs'

const page = (items) => ({ items, next_cursor: null })
export const problem = (status, code, params = {}, errors = []) => ({
  status,
  body: { type: `https://atalaya.dev/problems/${code}`, code, title: code, status, detail: code, params, errors, request_id: 'req_double0001' },
})

const sum = (list) => soles(list.reduce((total, one) => total + one, 0))
const billsOf = (world, customer) => world.invoices.filter((one) => one.customer_id === customer)
const balance = (world, customer) => sum([...billsOf(world, customer).map((one) => one.balance.amount), -(world.credit.get(customer) ?? 0)])
const overdue = (world, customer) => sum(billsOf(world, customer).filter((one) => one.overdue).map((one) => one.balance.amount))

function row(world, customer) {
  const services = world.services.filter((one) => one.customer_id === customer.id)
  return {
    ...customer, balance: balance(world, customer.id), overdue: overdue(world, customer.id),
    services: services.map((one) => ({ id: one.id, plan_name: one.plan.name, method: 'pppoe', state: one.network.state })),
  }
}

function home(world) {
  const late = world.customers.filter((one) => overdue(world, one.id).amount > 0)
  return {
    collected_today: sum(world.payments.map((one) => one.amount.amount)), collected_payments: world.payments.length,
    overdue_total: sum(late.map((one) => overdue(world, one.id).amount)), overdue_customers: late.length,
    suspended_services: world.services.filter((one) => one.status === 'suspended').length,
    waiting_not_applied: world.services.filter((one) => one.network.state === 'not_applied').length,
    devices_total: world.devices.length, devices_bad: world.devices.filter((one) => one.state === 'refuses').length,
    agents_total: world.agents.length, agents_connected: world.agents.filter((one) => one.state === 'connected').length,
    customers_total: world.customers.length,
  }
}

function series(world, query) {
  const from = Date.parse(query.get('from'))
  const to = Date.parse(query.get('to'))
  const step = Number.parseInt(query.get('step'), 10) * 1000
  const metric = query.get('metric')
  const points = (scale) => {
    const list = []
    for (let t = from; t <= to; t += step) {
      const hole = t > to - (to - from) * 0.45 && t < to - (to - from) * 0.32
      list.push([t, hole ? null : scale * (1.4 + Math.sin(t / 600_000) + 0.25 * Math.sin(t / 47_000))])
    }
    return list
  }
  if (!world.devices.length) return { series: [], step_ms: step, resolution: 'raw' }
  if (metric === 'icmp_rtt_seconds') return { series: [{ labels: {}, points: points(0.004) }], step_ms: step, resolution: 'raw' }
  const scale = metric.includes('receive') ? 3.1e6 : 8e5
  return {
    series: ['ether1', 'sfp-sfpplus1', 'vlan20'].map((name, at) => ({ labels: { interface: name }, points: points(scale / (at + 1)) })),
    step_ms: step, resolution: 'raw',
  }
}

const found = (code, facts = {}) => ({ code, facts: Object.entries(facts).map(([name, value]) => ({ name, value })) })
const stages = [
  { code: 'port', status: 'passed', detail: '10.20.0.1:8729 accepts connections', remedy: '', finding: found('port_open', { address: '10.20.0.1:8729' }) },
  { code: 'tls', status: 'passed', detail: 'the pinned certificate', remedy: '', finding: found('tls_pinned', { sha256: 'ab'.repeat(32) }) },
  { code: 'login', status: 'failed', detail: 'refused: invalid user name or password (6)', finding: found('refused', { words: 'invalid user name or password (6)' }), remedy: '/user set atalaya password="k7Qd-demo-only"' },
  { code: 'rights', status: 'skipped', detail: 'an earlier stage failed', remedy: '', finding: found('earlier_failed') },
  { code: 'secrets', status: 'skipped', detail: 'an earlier stage failed', remedy: '', finding: found('earlier_failed') },
]

const script = `/user group add name=atalaya policy=api,read,write,test,sensitive
/user add name=atalaya group=atalaya address=10.20.0.5/32 password="k7Qd-demo-only" comment="atalaya"
/certificate add name=atalaya-api common-name=RB-CA-1 days-valid=3650
/certificate sign atalaya-api
/ip service set api-ssl certificate=atalaya-api address=10.20.0.5/32 disabled=no`

function devicePlan(world, device) {
  const failing = device.points_differ > 0
  return {
    status: 'ready', read_at: ago(12), detail: null, in_place: device.points_total - device.points_differ, foreign_rows: 5,
    checks: [
      { code: 'cut_profile', status: 'passed', detail: 'profile cut puts sessions on cortados: chain forward stops address list cortados', remedy: '', finding: found('profile_walls', { profile: 'cut', list: 'cortados' }) },
      { code: 'secrets_used', status: 'passed', detail: 'subscribers are let in by their secrets', remedy: '', finding: found('by_secrets') },
      failing
        ? { code: 'cut_list_rule', status: 'failed', detail: 'fasttrack stands before the rule that stops cortados: running connections pass it by', finding: found('rule_behind_fasttrack', { list: 'cortados' }), remedy: '/ip firewall filter move [find comment="atalaya-cut"] \\\n  destination=0' }
        : { code: 'cut_list_rule', status: 'passed', detail: 'chain forward stops address list cortados', remedy: '', finding: found('rule_stops', { list: 'cortados' }) },
    ],
    changes: world.services.slice(0, device.points_differ).map((one, at) => ({
      point_id: one.attachments[0].points[0].id, service_id: one.id,
      customer_name: world.customers.find((customer) => customer.id === one.customer_id).name, action: at % 3 ? 'speed' : 'cut',
      before: [{ name: 'profile', value: 'plan100' }, { name: 'rate-limit', value: '50M/25M' }],
      after: at % 3 ? [{ name: 'profile', value: 'plan100' }, { name: 'rate-limit', value: '100M/50M' }] : [{ name: 'profile', value: 'cut' }, { name: 'rate-limit', value: '50M/25M' }],
    })),
    can_enforce: !failing, blocked_by: failing ? ['cut_list_rule'] : [],
  }
}

function preview(world) {
  const items = world.services
    .filter((one) => overdue(world, one.customer_id).amount > 0)
    .map((one) => ({
      service_id: one.id, customer_id: one.customer_id,
      customer_name: world.customers.find((customer) => customer.id === one.customer_id).name,
      site_id: one.site_id, site_name: world.sites.find((site) => site.id === one.site_id).name,
      owed: overdue(world, one.customer_id), days_overdue: billsOf(world, one.customer_id)[0].days_overdue,
      last_payment_at: ago(86_400 * 36), why: `overdue ${billsOf(world, one.customer_id)[0].days_overdue} days`, spared_on: null, included: true, exclusion_reason: null, result: null, failure: null, failure_code: null,
    }))
  return totals({
    id: id('run'), state: 'preview', created_at: ago(0), created_by: session.user.name, first_preview: true, version: 1,
    grace_days: 5, tolerance: soles(1000), items,
  })
}

function totals(run) {
  const inside = run.items.filter((item) => item.included)
  run.totals = {
    services: inside.length, customers: new Set(inside.map((item) => item.customer_id)).size,
    owed: sum(inside.map((item) => item.owed.amount)), excluded: run.items.length - inside.length,
  }
  return run
}

/** `[method, path pattern, handler]`; a handler returns the body, or `{status, body}`. */
/** A site with its figures, as the list of sites gives them. */
function siteRow(world, one) {
  const here = world.devices.filter((device) => device.site_id === one.id)
  const count = (state) => here.filter((device) => device.state === state).length
  const served = world.services.filter((service) => service.site_id === one.id && service.status !== 'terminated')
  return {
    ...one,
    devices: { total: here.length, answers: count('answers'), silent: count('silent'), refuses: count('refuses'), unknown: count('unknown') },
    services: { customers: new Set(served.map((service) => service.customer_id)).size, total: served.length, suspended: served.filter((service) => service.status === 'suspended').length },
    agents: world.agents.filter((agent) => agent.site_ids.includes(one.id)).map((agent) => ({ ...agent, here: true })),
  }
}

export function routes(world, emit) {
  const find = (list, wanted) => list.find((one) => one.id === wanted) ?? problem(404, 'not_found')

  function progress(service, ms, change, type) {
    setTimeout(() => {
      change(service)
      emit(type, { kind: 'service', id: service.id }, { customer_id: service.customer_id }, { name: service.plan.name })
    }, ms)
  }

  function pay(body) {
    if (body.operation_number && world.payments.some((one) => one.operation_number === body.operation_number)) {
      return problem(409, 'duplicate_operation', { payment_id: world.payments[0].id })
    }
    const customer = world.customers.find((one) => one.id === body.customer_id)
    const payment = { id: id('pay'), customer_name: customer.name, received_at: ago(0), operation_number: null, note: null, ...body }
    world.payments.unshift(payment)
    const allocations = []
    let rest = body.amount.amount
    for (const bill of billsOf(world, customer.id)) {
      const part = Math.min(rest, bill.balance.amount)
      if (!part) continue
      rest -= part
      bill.paid.amount += part
      bill.balance.amount -= part
      bill.status = bill.balance.amount ? 'partly_paid' : 'paid'
      bill.overdue = bill.overdue && bill.balance.amount > 0
      allocations.push({ invoice_id: bill.id, number: bill.number, amount: soles(part) })
    }
    world.credit.set(customer.id, (world.credit.get(customer.id) ?? 0) + rest)
    emit('payment.received', { kind: 'payment', id: payment.id }, { customer_id: customer.id }, { amount: body.amount })
    const back = world.services.filter((one) => one.customer_id === customer.id && one.status === 'suspended')
    for (const service of back) {
      service.status = 'active'
      service.network.state = 'pending'
      emit('service.reconnected', { kind: 'service', id: service.id }, { customer_id: customer.id }, {})
      progress(service, 500, (one) => {
        one.network = { ...one.network, state: 'unblocked_waiting', unblocked_at: ago(0), points_applied: one.network.points_total }
        for (const attachment of one.attachments) for (const each of attachment.points) each.state = 'applied'
      }, 'attachment.reconnected')
      progress(service, 1500, (one) => {
        one.network = { ...one.network, state: 'online', session_seen_at: ago(0) }
      }, 'attachment.online')
    }
    return { status: 201, body: { payment, allocations, credit: soles(rest), reconnecting: back.map((one) => one.id) } }
  }

  function setStatus(service, status) {
    service.status = status
    service.network.state = 'pending'
    emit(status === 'active' ? 'service.reconnected' : 'service.suspended', { kind: 'service', id: service.id }, { customer_id: service.customer_id }, {})
    progress(service, 600, (one) => {
      one.network = status === 'active'
        ? { ...one.network, state: 'online', unblocked_at: ago(0), session_seen_at: ago(0) }
        : { ...one.network, state: 'cut', cut_at: ago(0) }
    }, status === 'active' ? 'attachment.reconnected' : 'attachment.cut')
    return service
  }

  return [
    ['GET', '/login-options', () => ({ tenant: null, tenants: [{ slug: 'netandina', name: 'NetAndina (demo)' }, { slug: 'costanet', name: 'CostaNet (demo)' }] })],
    ['GET', '/home', () => home(world)],
    ['GET', '/tenant', () => ({ status: 200, body: world.tenant, etag: '"3"' })],
    ['PATCH', '/tenant', ({ body }) => Object.assign(world.tenant, body)],
    ['GET', '/users', () => page(world.users)],
    ['POST', '/users', ({ body }) => { const user = { id: id('usr'), ...body, disabled: false }; delete user.password; world.users.push(user); return { status: 201, body: user } }],
    ['GET', '/sites', () => page(world.sites.map((one) => siteRow(world, one)))],
    ['POST', '/sites', ({ body }) => { const site = { id: id('sit'), parent_id: null, ...body }; world.sites.push(site); return { status: 201, body: site } }],
    ['GET', '/agents', () => page(world.agents)],
    ['GET', '/agents/:id', ({ id: wanted }) => find(world.agents, wanted)],
    ['POST', '/agents/:id/revoke', ({ id: wanted }) => Object.assign(find(world.agents, wanted), { state: 'revoked' })],
    ['GET', '/agents/:id/held-cuts', ({ id: wanted }) => ({ items: world.agents[1]?.id === wanted ? world.services.slice(2, 4).map((one) => ({ point_id: one.attachments[0].points[0].id, service_id: one.id, customer_name: 'Rojas Demo, Maribel 3', reason: 'timeline' })) : [] })],
    ['POST', '/agents/:id/held-cuts/release', () => ({})],
    ['POST', '/agent-tokens', ({ body }) => {
      const agent = { id: id('agt'), name: body.name ?? 'nuevo', site_ids: [body.site_id], state: 'never_enrolled', last_seen_at: null, version: null, backlog_batches: null, backlog_bytes: null, oldest_unsent_at: null, buffer_state: null, clock_offset_ms: null, certificate_expires_at: null, config_version: null, config_version_wanted: null, cuts_held_reason: null, duplicate_identity_at: null }
      world.agents.push(agent)
      return { status: 201, body: { id: id('tok'), agent_id: agent.id, expires_at: ago(-3600), join_string: 'atalaya-join:v1:127.0.0.1:7443:demo-token-shown-once:sha256-0000demo0000' } }
    }],
    ['GET', '/devices', ({ query }) => page(world.devices.filter((one) => (!query.get('site') || one.site_id === query.get('site')) && (!query.get('kind') || one.kind === query.get('kind')) && (!query.get('state') || one.state === query.get('state')) && one.name.toLowerCase().includes((query.get('q') ?? '').toLowerCase())))],
    ['POST', '/devices/connection-tests', () => { const test = { id: id('job'), at: Date.now() }; world.tests.set(test.id, test); return { status: 202, body: { id: test.id } } }],
    ['GET', '/devices/connection-tests/:id', ({ id: wanted }) => ({ id: wanted, status: Date.now() - (world.tests.get(wanted)?.at ?? 0) < 600 ? 'waiting' : 'done', detail: null, stages, model: null, version: null, identity: null, tls_fingerprint: 'sha256:0d:e3:00:demo' })],
    ['POST', '/devices/routeros-script', () => ({ script, user: 'atalaya', password: 'k7Qd-demo-only' })],
    ['GET', '/devices/:id', ({ id: wanted }) => find(world.devices, wanted)],
    ['POST', '/devices', ({ body }) => { const device = { ...world.devices[0], ...body, id: id('dev'), site_name: '', mode: 'observe' }; delete device.credentials; world.devices.push(device); return { status: 201, body: device } }],
    ['GET', '/devices/:id/plan', ({ id: wanted }) => devicePlan(world, find(world.devices, wanted))],
    ['POST', '/devices/:id/plan', () => ({ status: 202, body: {} })],
    ['POST', '/devices/:id/mode', ({ id: wanted, body }) => Object.assign(find(world.devices, wanted), { mode: body.mode })],
    ['GET', '/customers', ({ query }) => {
      const words = (query.get('q') ?? '').toLowerCase()
      const status = query.get('status')
      const list = world.customers.filter((one) => one.name.toLowerCase().includes(words)
        && (!status || world.services.some((service) => service.customer_id === one.id && service.status === status))
        && (!query.get('owed_gte') || balance(world, one.id).amount >= Number(query.get('owed_gte'))))
      const from = Number(query.get('cursor') ?? 0)
      return { items: list.slice(from, from + 50).map((one) => row(world, one)), next_cursor: list.length > from + 50 ? String(from + 50) : null }
    }],
    ['POST', '/customers', ({ body }) => { const customer = { id: id('cus'), document: null, phone: null, email: null, address: null, notes: null, created_at: ago(0), ...body }; world.customers.unshift(customer); return { status: 201, body: customer } }],
    ['GET', '/customers/:id/overview', ({ id: wanted }) => {
      const customer = world.customers.find((one) => one.id === wanted)
      if (!customer) return problem(404, 'not_found')
      return {
        customer, balance: balance(world, wanted), overdue: overdue(world, wanted),
        services: world.services.filter((one) => one.customer_id === wanted), invoices: billsOf(world, wanted),
        payments: world.payments.filter((one) => one.customer_id === wanted),
        timeline: world.events.filter((one) => one.related.customer_id === wanted).slice(0, 30),
      }
    }],
    ['GET', '/plans', () => page(world.plans)],
    ['POST', '/plans', ({ body }) => { const plan = { id: id('pln'), ...body }; world.plans.push(plan); return { status: 201, body: plan } }],
    ['POST', '/services/:id/cut', ({ id: wanted }) => setStatus(find(world.services, wanted), 'suspended')],
    ['POST', '/services/:id/reconnect', ({ id: wanted }) => setStatus(find(world.services, wanted), 'active')],
    ['GET', '/invoices', ({ query }) => page(world.invoices.filter((one) => { const want = query.get('status'); return !want || (want === 'overdue' ? one.overdue : one.status === want) }).slice(0, 50))],
    ['GET', '/invoices/:id', ({ id: wanted }) => find(world.invoices, wanted)],
    ['POST', '/invoices/billing-runs', () => ({ created: 0, skipped: world.services.length, total: soles(0) })],
    ['POST', '/invoices/:id/void', ({ id: wanted }) => Object.assign(find(world.invoices, wanted), { status: 'void', overdue: false, balance: soles(0) })],
    ['GET', '/payments', () => page(world.payments.slice(0, 50))],
    ['POST', '/payments', ({ body }) => pay(body)],
    ['GET', '/collections/runs', () => page(world.runs)],
    ['POST', '/collections/runs', () => { const run = preview(world); world.runs.unshift(run); return { status: 201, body: run } }],
    ['GET', '/collections/runs/:id', ({ id: wanted }) => find(world.runs, wanted)],
    ['PATCH', '/collections/runs/:id/items', ({ id: wanted, body }) => {
      const run = find(world.runs, wanted)
      for (const item of run.items) if (body.service_ids.includes(item.service_id)) Object.assign(item, { included: body.included, exclusion_reason: body.included ? null : (body.reason ?? null) })
      return totals(run)
    }],
    ['POST', '/collections/runs/:id/execute', ({ id: wanted, body }) => {
      const run = find(world.runs, wanted)
      if (body.expected_services !== run.totals.services) return problem(409, 'numbers_changed', run.totals)
      for (const item of run.items) if (item.included) item.result = 'suspended'
      run.state = 'done'
      emit('run.executed', { kind: 'run', id: run.id }, { run_id: run.id }, {})
      return run
    }],
    ['GET', '/events', ({ query }) => page(world.events.filter((one) => !query.get('type') || one.type === query.get('type')).slice(0, 100))],
    ['GET', '/audit', () => page(world.events.slice(0, 30).map((one) => ({ id: one.id.replace('evt', 'aud'), occurred_at: one.occurred_at, actor_kind: 'user', actor_id: session.user.id, actor_name: session.user.name, action: one.type, entity_kind: one.entity.kind, entity_id: one.entity.id, before_state: JSON.stringify({ status: 'suspended', due_on: day(-6) }), after_state: JSON.stringify({ status: 'active', due_on: day(-6) }), reason: null, request_id: 'req_demo', position: null, content_erased: false })))],
    ['GET', '/metrics/range', ({ query }) => series(world, query)],
  ]
}
