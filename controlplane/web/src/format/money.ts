import type { Money } from '@/api/types'
import type { CountryFormat } from './country'
import { groupDigits, minus } from './number'

/** Keeps symbol and number on one line. */
const noBreakSpace = '\u00a0'

const decimalsOf: Record<string, number> = { CLP: 0, PYG: 0 }

/** Digits after the decimal mark of a currency (ISO 4217); minor units are 10 to minus this. */
export function currencyDecimals(currency: string): number {
  return decimalsOf[currency] ?? 2
}

/** An amount as a person of the tenant's country writes it; another currency carries its ISO code. */
export function formatMoney(money: Money, country: CountryFormat): string {
  const number = formatAmount(money, country)
  const own = money.currency === country.currency
  const symbol = own ? country.symbol : money.currency
  const gap = !own || country.spaced ? noBreakSpace : ''
  return `${money.amount < 0 ? minus : ''}${symbol}${gap}${number}`
}

/** The number alone, without sign and symbol, for columns whose head names the currency. */
export function formatAmount(money: Money, country: CountryFormat): string {
  const decimals = currencyDecimals(money.currency)
  const digits = String(Math.abs(Math.trunc(money.amount))).padStart(decimals + 1, '0')
  const split = digits.length - decimals
  const whole = groupDigits(digits.slice(0, split), country.group)
  const cents = digits.slice(split)
  const dropCents =
    country.cents === 'whenNeeded' && money.currency === country.currency && /^0*$/.test(cents)
  return cents && !dropCents ? whole + country.decimal + cents : whole
}

/**
 * Reads what a person typed into minor units; `null` when it is no amount.
 * The last separator followed by one or two digits is the decimal mark, so both habits are understood.
 */
export function parseMoney(text: string, currency: string): number | null {
  const cleaned = text.replace(/[^\d.,-]/g, '')
  const decimals = currencyDecimals(currency)
  const match = /^(-?)([\d.,]*?)(?:[.,](\d{1,2}))?$/.exec(cleaned)
  if (!match || !/\d/.test(cleaned)) return null
  const [, sign, wholePart = '', centsPart = ''] = match
  if (decimals === 0 && centsPart) return null
  const whole = wholePart.replace(/[.,]/g, '') || '0'
  const value = Number(whole + centsPart.padEnd(decimals, '0').slice(0, decimals))
  if (!Number.isSafeInteger(value)) return null
  return sign ? -value : value
}
