/** Formats bound to the tenant's country and zone and to the language of the page. */
import { useI18n } from 'vue-i18n'
import type { Money } from '@/api/types'
import { formatAmount, formatMoney } from '@/format/money'
import { formatDecimal, formatInteger } from '@/format/number'
import { formatBytes, formatSpeed, formatTraffic } from '@/format/rate'
import { ageOf, formatAbsolute, formatClock, formatDate, formatDay, formatLongDay, isoDay } from '@/format/time'
import { useSession } from '@/stores/session'

export function useFormat() {
  const session = useSession()
  const { t, locale } = useI18n()

  const country = () => session.country
  const decimal = () => session.country.decimal

  function when(at: string | number): Date {
    return new Date(at)
  }

  function integer(value: number): string {
    return formatInteger(value, country().group)
  }

  return {
    money: (value: Money) => formatMoney(value, country()),
    amount: (value: Money) => formatAmount(value, country()),
    integer,
    decimal: (value: number, places: number) => formatDecimal(value, places, country().group, decimal()),
    date: (value: string) => formatDate(value, country()),
    day: (at: string | number) => formatDay(when(at), session.zone, country()),
    clock: (at: string | number) => formatClock(when(at), session.zone),
    absolute: (at: string | number) => formatAbsolute(when(at), session.zone, locale.value),
    longDay: (at: string | number) => formatLongDay(when(at), session.zone, locale.value),
    today: (now: number) => isoDay(new Date(now), session.zone),
    speed: (down: number, up: number) => formatSpeed(down, up, decimal()),
    traffic: (bps: number) => formatTraffic(bps, decimal()),
    bytes: (bytes: number) => formatBytes(bytes, decimal()),

    /** "hace 3 min"; an instant older than a week is written as a day. */
    relative(at: string, now: number): string {
      const age = ageOf(Date.parse(at), now)
      if (!age) return formatDay(when(at), session.zone, country())
      if (age.unit === 'now') return t('time.now')
      return t(age.future ? `time.in.${age.unit}` : `time.ago.${age.unit}`, { n: age.count })
    },

    /** Clock time for today, day and clock for an earlier one: the network's "10:32:05". */
    moment(at: string, now: number): string {
      const sameDay = isoDay(when(at), session.zone) === isoDay(new Date(now), session.zone)
      const clock = formatClock(when(at), session.zone)
      return sameDay ? clock : `${formatDay(when(at), session.zone, country())} ${clock}`
    },

    /** A counted noun: the key's plural forms with the number written as the country does. */
    counted(key: string, count: number, params: Record<string, unknown> = {}): string {
      return t(key, { ...params, n: integer(count) }, count)
    },
  }
}
