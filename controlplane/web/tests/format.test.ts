import { describe, expect, it } from 'vitest'
import { countryFormat } from '@/format/country'
import { formatAmount, formatMoney, parseMoney } from '@/format/money'
import { formatBytes, formatSpeed, formatTraffic } from '@/format/rate'
import { dayStart, nextDay, ageOf, formatAbsolute, formatClock, formatDate, formatDay, formatLongDay, isoDay, utcOffset } from '@/format/time'

/** The table of the countries writes plain spaces; on screen symbol and number never part. */
function money(amount: number, currency: string, country: string): string {
  return formatMoney({ amount, currency }, countryFormat(country)).replaceAll('\u00a0', ' ')
}

describe('money, golden strings per country', () => {
  it.each([
    ['PE', 'PEN', 123_450, 'S/ 1,234.50'],
    ['CO', 'COP', 123_500, '$ 1.235'],
    ['CO', 'COP', 123_550, '$ 1.235,50'],
    ['AR', 'ARS', 123_450, '$ 1.234,50'],
    ['MX', 'MXN', 123_450, '$1,234.50'],
    ['CL', 'CLP', 1235, '$1.235'],
    ['EC', 'USD', 123_450, '$1.234,50'],
    ['BR', 'BRL', 123_450, 'R$ 1.234,50'],
    ['PE', 'PEN', 0, 'S/ 0.00'],
    ['PE', 'PEN', 5, 'S/ 0.05'],
    ['PE', 'PEN', -8900, '−S/ 89.00'],
    ['PE', 'PEN', 123_456_789_012, 'S/ 1,234,567,890.12'],
    ['PE', 'USD', 123_450, 'USD 1,234.50'],
    ['UY', 'UYU', 123_450, 'UYU 1,234.50'],
  ])('%s %s %d is %s', (country, currency, amount, text) => {
    expect(money(amount, currency, country)).toBe(text)
  })

  it('never breaks between symbol and number', () => {
    expect(formatMoney({ amount: 100, currency: 'PEN' }, countryFormat('PE'))).toBe('S/\u00a01.00')
  })

  it.each([
    ['89', 8900],
    ['89.5', 8950],
    ['89,50', 8950],
    ['1,234.50', 123_450],
    ['1.234,50', 123_450],
    ['1.234', 123_400],
    ['S/ 12.00', 1200],
    ['-3.10', -310],
    ['', null],
    ['abc', null],
    ['99999999999999999', null],
  ])('reads %j as %j minor units', (text, amount) => {
    expect(parseMoney(text, 'PEN')).toBe(amount)
  })

  it('knows that Chilean pesos have no cents', () => {
    expect(parseMoney('1.235', 'CLP')).toBe(1235)
    expect(parseMoney('12,5', 'CLP')).toBeNull()
  })

  it('reads back what it writes', () => {
    for (const amount of [1, 99, 100, 8900, 123_456, 9_999_999]) {
      for (const [country, currency] of [['PE', 'PEN'], ['AR', 'ARS'], ['CO', 'COP'], ['CL', 'CLP']] as const) {
        expect(parseMoney(formatAmount({ amount, currency }, countryFormat(country)), currency)).toBe(amount)
      }
    }
  })
})

describe('time in the tenant’s zone', () => {
  const at = new Date('2026-11-05T20:07:09Z')
  const lima = 'America/Lima'

  it('writes clock, day and calendar date', () => {
    expect(formatClock(at, lima)).toBe('15:07:09')
    expect(formatClock(new Date('2026-11-05T05:00:00Z'), lima)).toBe('00:00:00')
    expect(formatDay(at, lima, countryFormat('PE'))).toBe('05/11/2026')
    expect(formatDay(at, lima, countryFormat('CL'))).toBe('05-11-2026')
    expect(isoDay(new Date('2026-11-06T03:00:00Z'), lima)).toBe('2026-11-05')
  })

  it('never shifts a due date', () => {
    expect(formatDate('2026-11-05', countryFormat('BR'))).toBe('05/11/2026')
    expect(formatDate('2026-11-05', countryFormat('CL'))).toBe('05-11-2026')
  })

  it.each([
    ['es-419', 'jue 5 nov 2026, 15:07:09 (Lima, UTC−5)'],
    ['en', 'Thu 5 Nov 2026, 15:07:09 (Lima, UTC−5)'],
    ['pt-BR', 'qui 5 nov 2026, 15:07:09 (Lima, UTC−5)'],
  ])('is absolute in %s', (language, text) => {
    expect(formatAbsolute(at, lima, language)).toBe(text)
  })

  it('names offsets', () => {
    expect(utcOffset(at, 'Asia/Kolkata')).toBe('UTC+5:30')
    expect(utcOffset(at, 'UTC')).toBe('UTC')
    expect(formatLongDay(at, 'Asia/Tokyo', 'es-419')).toBe('vie 6 nov 2026')
  })

  it('rounds ages down and gives up after a week', () => {
    const now = at.getTime()
    expect(ageOf(now - 1000, now)).toMatchObject({ unit: 'now' })
    expect(ageOf(now - 59_999, now)).toMatchObject({ unit: 'second', count: 59 })
    expect(ageOf(now - 3 * 60_000, now)).toMatchObject({ unit: 'minute', count: 3, future: false })
    expect(ageOf(now + 2 * 3_600_000, now)).toMatchObject({ unit: 'hour', count: 2, future: true })
    expect(ageOf(now - 6 * 86_400_000, now)).toMatchObject({ unit: 'day', count: 6 })
    expect(ageOf(now - 8 * 86_400_000, now)).toBeNull()
  })
})

describe('speeds and volumes', () => {
  it.each([
    [100e6, 50e6, '100 / 50 Mb/s'],
    [1e9, 500e6, '1 Gb/s / 500 Mb/s'],
    [2.5e6, 512e3, '2.5 Mb/s / 512 kb/s'],
    [0, 0, '0 / 0 Mb/s'],
  ])('plan %d / %d is %s', (down, up, text) => {
    expect(formatSpeed(down, up)).toBe(text)
  })

  it.each([
    [0, '0 b/s'],
    [999.4, '999 b/s'],
    [999.6, '1.00 kb/s'],
    [61_400_000, '61.4 Mb/s'],
    [123_456_789, '123 Mb/s'],
    [3.4e9, '3.40 Gb/s'],
  ])('traffic %d is %s', (bps, text) => {
    expect(formatTraffic(bps)).toBe(text)
  })

  it('uses the country’s decimal mark', () => {
    expect(formatTraffic(61_400_000, ',')).toBe('61,4 Mb/s')
    expect(formatBytes(1.25e9, ',')).toBe('1,25 GB')
    expect([0, 29, 999, 1000].map((bytes) => formatBytes(bytes))).toEqual(['0 B', '29 B', '999 B', '1.00 kB'])
  })
})

describe('days in a zone', () => {
  it('begin at their own midnight, also where the clock was moved', () => {
    expect(dayStart('2026-11-05', 'America/Lima')).toBe('2026-11-05T05:00:00.000Z')
    expect(dayStart('2026-11-05', 'UTC')).toBe('2026-11-05T00:00:00.000Z')
    // Chile: the clock goes forward at midnight of 6 September, so that the day begins at one o'clock.
    expect(dayStart('2026-09-06', 'America/Santiago')).toBe('2026-09-06T04:00:00.000Z')
    expect(dayStart('2026-09-07', 'America/Santiago')).toBe('2026-09-07T03:00:00.000Z')
    expect(nextDay('2026-12-31')).toBe('2027-01-01')
  })
})
