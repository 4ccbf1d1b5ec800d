/** Navigation by permission: what a person may not read is not shown. */
import {
  mdiAccount,
  mdiAccountMultipleCheckOutline,
  mdiCash,
  mdiClipboardTextClockOutline,
  mdiCogOutline,
  mdiContentCut,
  mdiEmailOutline,
  mdiHomeOutline,
  mdiRadioTower,
  mdiReceiptTextOutline,
  mdiRouterNetwork,
  mdiServerNetwork,
  mdiTagOutline,
  mdiTimelineClock,
  mdiTrayAlert,
} from '@mdi/js'

export interface NavItem {
  /** Route name and tail of the label's key. */
  name: string
  icon: string
  /** Any one of these; empty means everybody. */
  permissions: string[]
  /** For those alone who see the whole ISP. */
  whole?: true
}

export interface NavGroup {
  label: string | null
  items: NavItem[]
}

export const navigation: NavGroup[] = [
  {
    label: null,
    items: [
      { name: 'home', icon: mdiHomeOutline, permissions: [] },
      { name: 'approvals', icon: mdiAccountMultipleCheckOutline, permissions: ['approval.read'], whole: true },
      { name: 'customers', icon: mdiAccount, permissions: ['customer.read'] },
    ],
  },
  {
    label: 'money',
    items: [
      { name: 'invoices', icon: mdiReceiptTextOutline, permissions: ['invoice.read'] },
      { name: 'payments', icon: mdiCash, permissions: ['payment.read'] },
      { name: 'runs', icon: mdiContentCut, permissions: ['collections.read'] },
      { name: 'plans', icon: mdiTagOutline, permissions: ['plan.read'] },
    ],
  },
  {
    label: 'network',
    items: [
      { name: 'sites', icon: mdiRadioTower, permissions: ['site.read'] },
      { name: 'devices', icon: mdiRouterNetwork, permissions: ['device.read'] },
      { name: 'agents', icon: mdiServerNetwork, permissions: ['agent.read'] },
      { name: 'events', icon: mdiTimelineClock, permissions: ['event.read'] },
    ],
  },
  {
    label: 'administration',
    items: [
      { name: 'audit', icon: mdiClipboardTextClockOutline, permissions: ['audit.read'] },
      { name: 'notices', icon: mdiEmailOutline, permissions: ['notice.read'] },
      { name: 'dead-letters', icon: mdiTrayAlert, permissions: ['dead_letter.read'] },
      { name: 'settings', icon: mdiCogOutline, permissions: ['tenant.write', 'user.read', 'api_key.read', 'operator_visit.read'] },
    ],
  },
]

/** Whether somebody finds it there: by their rights, and by whether they see the whole ISP. */
export function isOpenTo({ permissions, whole }: NavItem, can: (right: string) => boolean, seesAll: boolean): boolean {
  return (!permissions.length || permissions.some((right) => can(right))) && (!whole || seesAll)
}
