/** What an event is about, as a shape: for rows that tell of no state. The shape that the thing or the doing of it has elsewhere: each new one is paid for by every page. */
import {
  mdiAccount,
  mdiCash,
  mdiEmailOutline,
  mdiPencilOutline,
  mdiPowerPlug,
  mdiRadioTower,
  mdiReceiptTextOutline,
  mdiRouterNetwork,
  mdiServerNetwork,
  mdiTimelineClock,
  mdiUpload,
  mdiWifi,
} from '@mdi/js'

/** By the type, or else by the noun before its dot. */
const icons: Record<string, string> = {
  'service.reconnected': mdiPowerPlug,
  agent: mdiServerNetwork,
  attachment: mdiWifi,
  customer: mdiAccount,
  device: mdiRouterNetwork,
  file: mdiUpload,
  invoice: mdiReceiptTextOutline,
  note: mdiPencilOutline,
  notice: mdiEmailOutline,
  payment: mdiCash,
  service: mdiWifi,
  site: mdiRadioTower,
}

export function eventIcon(type: string): string {
  return icons[type] ?? icons[type.split('.', 1)[0] ?? ''] ?? mdiTimelineClock
}
