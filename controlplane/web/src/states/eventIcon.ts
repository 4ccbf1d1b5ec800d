/** What an event is about, as a shape: for rows that tell of no state. The same shape as the thing has everywhere else. */
import {
  mdiAccount,
  mdiCash,
  mdiEmailOutline,
  mdiNoteTextOutline,
  mdiPaperclip,
  mdiPowerPlug,
  mdiRadioTower,
  mdiReceiptTextOutline,
  mdiRouterNetwork,
  mdiServerNetwork,
  mdiTimelineClock,
  mdiWifi,
} from '@mdi/js'

/** By the type, or else by the noun before its dot. */
const icons: Record<string, string> = {
  'service.reconnected': mdiPowerPlug,
  agent: mdiServerNetwork,
  attachment: mdiWifi,
  customer: mdiAccount,
  device: mdiRouterNetwork,
  file: mdiPaperclip,
  invoice: mdiReceiptTextOutline,
  note: mdiNoteTextOutline,
  notice: mdiEmailOutline,
  payment: mdiCash,
  service: mdiWifi,
  site: mdiRadioTower,
}

export function eventIcon(type: string): string {
  return icons[type] ?? icons[type.split('.', 1)[0] ?? ''] ?? mdiTimelineClock
}
