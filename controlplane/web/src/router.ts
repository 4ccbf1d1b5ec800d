/** Paths are English plurals of the design's words. A page is loaded when it is first opened. */
import { createRouter, createWebHistory, type RouteRecordRaw, type Router } from 'vue-router'
import { withWords } from './i18n'
import { useSession } from './stores/session'
import { useUi } from './stores/ui'

declare module 'vue-router' {
  interface RouteMeta {
    /** Reachable without a session. */
    open?: boolean
  }
}

const area = (name: string, path: string, component: RouteRecordRaw['component']): RouteRecordRaw =>
  ({ name, path, component }) as RouteRecordRaw

const routes: RouteRecordRaw[] = [
  { name: 'login', path: '/login', component: withWords(['security'], () => import('./areas/session/LoginPage.vue')), meta: { open: true } },
  { name: 'login-return', path: '/login/return', component: withWords(['security'], () => import('./areas/session/ReturnPage.vue')), meta: { open: true } },
  { name: 'set-password', path: '/set-password', component: withWords(['security'], () => import('./areas/session/SetPasswordPage.vue')), meta: { open: true } },
  {
    // The installation's own pages: another log-in, which their frame asks for.
    path: '/platform',
    component: withWords(['platform', 'administration', 'notices', 'security', 'standing'], () => import('./areas/platform/PlatformShell.vue')),
    meta: { open: true },
    children: [
      area('platform', '', () => import('./areas/platform/TenantsPage.vue')),
      area('platform-tenant', 'tenants/:id', () => import('./areas/platform/TenantPage.vue')),
      area('platform-plans', 'plans', () => import('./areas/platform/PlansPage.vue')),
      area('platform-backups', 'backups', () => import('./areas/platform/BackupsPage.vue')),
      area('platform-audit', 'audit', () => import('./areas/platform/AuditPage.vue')),
      area('platform-account', 'account', () => import('./areas/platform/AccountPage.vue')),
      area('platform-missing', ':rest(.*)*', () => import('./areas/operations/MissingPage.vue')),
    ],
  },
  {
    path: '/',
    component: () => import('./areas/operations/OperationsShell.vue'),
    children: [
      area('home', '', withWords(['approvals', 'home'], () => import('./areas/operations/home/HomePage.vue'))),
      area('customers', 'customers', () => import('./areas/operations/customers/CustomersPage.vue')),
      area('customer', 'customers/:id', withWords(['personal', 'record', 'services'], () => import('./areas/operations/customers/CustomerPage.vue'))),
      area('person-data', ':people(customers|users)/:id/data', withWords(['approvals', 'personal'], () => import('./areas/operations/personal/PersonDataPage.vue'))),
      area('service', 'services/:id', withWords(['record', 'services'], () => import('./areas/operations/customers/ServicePage.vue'))),
      area('invoices', 'invoices', () => import('./areas/operations/invoices/InvoicesPage.vue')),
      area('invoice', 'invoices/:id', () => import('./areas/operations/invoices/InvoicePage.vue')),
      area('payments', 'payments', () => import('./areas/operations/payments/PaymentsPage.vue')),
      area('receipt', 'payments/:id', () => import('./areas/operations/payments/ReceiptPage.vue')),
      area('plans', 'plans', () => import('./areas/operations/plans/PlansPage.vue')),
      area('approvals', 'approvals/:id?', withWords(['approvals'], () => import('./areas/operations/approvals/ApprovalsPage.vue'))),
      area('runs', 'collections', withWords(['collections'], () => import('./areas/operations/collections/RunsPage.vue'))),
      area('run', 'collections/runs/:id', withWords(['approvals', 'collections'], () => import('./areas/operations/collections/RunPage.vue'))),
      area('sites', 'sites', () => import('./areas/operations/sites/SitesPage.vue')),
      area('agents', 'agents', () => import('./areas/operations/agents/AgentsPage.vue')),
      area('agent', 'agents/:id', withWords(['agents'], () => import('./areas/operations/agents/AgentPage.vue'))),
      area('devices', 'devices', withWords(['devices'], () => import('./areas/operations/devices/DevicesPage.vue'))),
      area('device-new', 'devices/new', withWords(['devices'], () => import('./areas/operations/devices/NewDevicePage.vue'))),
      area('device', 'devices/:id', withWords(['devices', 'record'], () => import('./areas/operations/devices/DevicePage.vue'))),
      area('device-plan', 'devices/:id/plan', withWords(['devices'], () => import('./areas/operations/devices/PlanPage.vue'))),
      area('device-diagnosis', 'devices/:id/diagnosis', withWords(['devices'], () => import('./areas/operations/devices/DiagnosisPage.vue'))),
      area('events', 'events', () => import('./areas/operations/events/EventsPage.vue')),
      area('audit', 'audit', withWords(['administration'], () => import('./areas/operations/audit/AuditPage.vue'))),
      area('dead-letters', 'dead-letters', withWords(['standing'], () => import('./areas/operations/dead-letters/DeadLettersPage.vue'))),
      area('notices', 'notices', withWords(['notices'], () => import('./areas/operations/notices/NoticesPage.vue'))),
      area('profile', 'profile', withWords(['notices', 'personal', 'security', 'sign-on'], () => import('./areas/operations/profile/ProfilePage.vue'))),
      area('role', 'roles/:id', withWords(['administration', 'security'], () => import('./areas/operations/settings/RolePage.vue'))),
      {
        ...area('settings', 'settings/:tab?', withWords(['administration', 'notices', 'personal', 'security', 'sign-on', 'standing'], () => import('./areas/operations/settings/SettingsPage.vue'))),
        // Tabs had no paths of their own at first; links from then go on.
        beforeEnter: ({ query: { tab, ...query } }) => (typeof tab === 'string' ? { name: 'settings', params: { tab }, query } : true),
      },
      area('missing', ':rest(.*)*', () => import('./areas/operations/MissingPage.vue')),
    ],
  },
]

export function createAppRouter(): Router {
  const router = createRouter({
    history: createWebHistory(),
    routes,
    scrollBehavior: (_to, _from, saved) => saved ?? { top: 0 },
  })

  router.beforeEach(async (to) => {
    const session = useSession()
    if (to.meta.open) return true
    // Whose role demands a second factor may do nothing before there is one.
    const first = () => (session.session?.factor_missing && to.name !== 'profile' ? { name: 'profile', query: { do: 'app' } } : true)
    if (session.session) return first()
    try {
      if (await session.load()) {
        await useUi().suggestLanguage(session.tenant?.locale ?? '')
        return first()
      }
    } catch {
      // The server is away: the log-in page says so and tries again.
    }
    return { name: 'login', query: to.fullPath === '/' ? {} : { next: to.fullPath } }
  })

  return router
}
