import {
  mdiAccount,
  mdiCashPlus,
  mdiClipboardListOutline,
  mdiContentCut,
  mdiHistory,
  mdiPlus,
  mdiPowerPlug,
  mdiRadioTower,
  mdiReceiptTextOutline,
  mdiReceiptTextPlusOutline,
  mdiRouterNetwork,
  mdiWifi,
} from '@mdi/js'
import { computed, type Ref } from 'vue'
import { keepPreviousData, useQuery } from '@tanstack/vue-query'
import { useI18n } from 'vue-i18n'
import { isOpenTo, navigation } from '../navigation'
import { joined, matching, parseInput, type Entry } from './entries'
import { api } from '@/api/endpoints'
import { keys } from '@/api/keys'
import { useFormat } from '@/composables/useFormat'
import { useRecents } from '@/stores/recents'
import { useSession } from '@/stores/session'
import type { CustomerRow, Device, FoundItem, SiteRow } from '@/api/types'

/** Rows of each list in the palette: more belongs to the list itself. */
const most = 6

/** Everything that fits the words: what this browser knows at once, the server's rows when they come. */
export function usePaletteEntries(text: Ref<string>, asked: Ref<string>) {
  const { t } = useI18n()
  const format = useFormat()
  const session = useSession()
  const recents = useRecents()
  const query = computed(() => ({ q: parseInput(asked.value).words, limit: most }))
  const searching = computed(() => parseInput(asked.value).mode === 'all' && query.value.q.length > 1)

  const customers = useQuery({
    queryKey: computed(() => keys.customers(query.value)),
    queryFn: ({ signal }) => api.customers.list(query.value, signal),
    enabled: () => searching.value && session.can('customer.read'),
    placeholderData: keepPreviousData,
  })
  const devices = useQuery({
    queryKey: computed(() => keys.devices(query.value)),
    queryFn: ({ signal }) => api.devices.list(query.value, signal),
    enabled: () => searching.value && session.can('device.read'),
    placeholderData: keepPreviousData,
  })
  /** What the lists do not search: services, invoices, and names that may be mistyped. */
  const others = useQuery({
    queryKey: computed(() => keys.search(query.value)),
    queryFn: ({ signal }) => api.search(query.value, signal),
    enabled: () => searching.value,
    placeholderData: keepPreviousData,
  })
  const sites = useQuery({ queryKey: keys.sites, queryFn: api.sites.list, enabled: () => session.can('site.read') })

  const go = computed<Entry[]>(() =>
    navigation.flatMap((group) =>
      group.items
        .filter((item) => isOpenTo(item, session.can, session.user?.scope.kind === 'all'))
        .map((item) => ({ id: `go:${item.name}`, group: 'go' as const, icon: item.icon, title: t(`nav.${item.name}`), note: '', to: { name: item.name } })),
    ),
  )

  const actions = computed<Entry[]>(() => {
    const all = [
      { permission: 'customer.write', icon: mdiPlus, title: t('customer.create'), to: { name: 'customers', query: { do: 'create' } } },
      { permission: 'invoice.issue', icon: mdiReceiptTextPlusOutline, title: t('invoice.bill_month'), to: { name: 'invoices', query: { do: 'bill' } } },
      { permission: 'plan.write', icon: mdiPlus, title: t('plan.create'), to: { name: 'plans', query: { do: 'create' } } },
      { permission: 'site.write', icon: mdiPlus, title: t('site.create'), to: { name: 'sites', query: { do: 'create' } } },
      { permission: 'agent.enroll', icon: mdiPlus, title: t('agent.create'), to: { name: 'agents', query: { do: 'enroll' } } },
      { permission: 'device.write', icon: mdiPlus, title: t('palette.device_create'), to: { name: 'device-new' } },
    ]
    return all
      .filter((one) => session.can(one.permission))
      .map((one) => ({ id: `do:${one.title}`, group: 'actions', icon: one.icon, title: one.title, note: '', to: one.to }))
  })

  function customerEntry(row: CustomerRow): Entry {
    const page = (query: Record<string, string>) => ({ name: 'customer', params: { id: row.id }, query })
    const owed = row.balance.amount > 0 ? t('palette.owes', { amount: format.money(row.balance) }) : ''
    const note = [row.services[0] ? t(`state.network.${row.services[0].state}`) : '', row.document, owed].filter(Boolean).join(' · ')
    const act = (name: string, icon: string, permission: string): Entry[] =>
      session.can(permission)
        ? [{ id: `${row.id}:${name}`, group: 'actions', icon, title: t(`customer.action.${name}`), note: row.name, to: page({ do: name }) }]
        : []
    const acts = [
      ...act('pay', mdiCashPlus, 'payment.register'),
      ...act('cut', mdiContentCut, 'service.suspend'),
      ...act('reconnect', mdiPowerPlug, 'service.reconnect'),
    ]
    return { id: row.id, group: 'customers', icon: mdiAccount, title: row.name, note, to: page({}), actions: acts }
  }

  function deviceEntry(row: Device): Entry {
    const at = (name: string) => ({ name, params: { id: row.id } })
    const note = [row.site_name, row.host, t(`state.device.${row.state}`)].join(' · ')
    const plan: Entry = { id: `${row.id}:plan`, group: 'actions', icon: mdiClipboardListOutline, title: t('palette.device_plan'), note: row.name, to: at('device-plan') }
    return { id: row.id, group: 'devices', icon: mdiRouterNetwork, title: row.name, note, to: at('device'), actions: row.kind === 'routeros' ? [plan] : [] }
  }

  function foundEntry(item: FoundItem): Entry {
    // A word of the query is in nothing as it is written: this is what is nearest to it.
    const note = [item.mistyped ? t('palette.similar') : '', item.detail].filter(Boolean).join(' · ')
    const common = { id: item.id, title: item.title, note }
    const customer = { name: 'customer', params: { id: item.customer_id } }
    const here = { params: { id: item.id } }
    switch (item.kind) {
      case 'customer':
        return { ...common, group: 'customers', icon: mdiAccount, to: customer }
      case 'device':
        return { ...common, group: 'devices', icon: mdiRouterNetwork, to: { name: 'device', ...here } }
      case 'invoice':
        return { ...common, group: 'invoices', icon: mdiReceiptTextOutline, to: { name: 'invoice', ...here } }
      case 'service':
        return { ...common, group: 'services', icon: mdiWifi, to: customer }
    }
  }

  function siteEntry(row: SiteRow): Entry {
    const note = row.services ? format.counted('customer.counted', row.services.customers) : ''
    return { id: row.id, group: 'sites', icon: mdiRadioTower, title: row.name, note, to: { name: 'devices', query: { site: row.id } } }
  }

  const entries = computed<Entry[]>(() => {
    const { mode, words } = parseInput(text.value)
    if (mode === 'actions') return matching(actions.value, words)
    if (mode === 'go') return matching(go.value, words)
    if (!words) return [...recents.entries.map((one) => ({ ...one, group: 'recent' as const, icon: mdiHistory })), ...go.value]
    const listed = searching.value
      ? [...(customers.data.value?.items ?? []).map(customerEntry), ...(devices.data.value?.items ?? []).map(deviceEntry)]
      : []
    const found = searching.value ? (others.data.value?.items ?? []).map(foundEntry) : []
    const rows = joined(listed, found)
    const places = matching((sites.data.value?.items ?? []).map(siteEntry), words).slice(0, most)
    return [...rows, ...places, ...matching(go.value, words), ...matching(actions.value, words)]
  })
  /** Also while what was typed last has not been asked for yet. */
  const behind = computed(() => parseInput(text.value).mode === 'all' && parseInput(text.value).words !== query.value.q)
  const busy = computed(() => (behind.value && parseInput(text.value).words.length > 1) || (searching.value && (customers.isFetching.value || devices.isFetching.value || others.isFetching.value)))
  const error = computed(() => customers.error.value ?? devices.error.value ?? others.error.value ?? sites.error.value)
  return { entries, busy, error }
}
