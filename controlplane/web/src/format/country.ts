/**
 * How a country writes money and dates. The tenant's country decides, whatever language the words
 * are in; runtimes disagree about these countries, so the table is ours and its golden strings are tests.
 */
export interface CountryFormat {
  /** Currency that the country's symbol stands for (ISO 4217). */
  currency: string
  symbol: string
  /** Whether a space stands between symbol and number. */
  spaced: boolean
  group: string
  decimal: string
  /** `whenNeeded`: cents are written only if there are any. */
  cents: 'always' | 'whenNeeded'
  dateSeparator: '/' | '-'
  /** 0 = Sunday, 1 = Monday. */
  weekStart: 0 | 1
}

const comma = { group: ',', decimal: '.' }
const point = { group: '.', decimal: ',' }

const formats: Record<string, CountryFormat> = {
  PE: { currency: 'PEN', symbol: 'S/', spaced: true, ...comma, cents: 'always', dateSeparator: '/', weekStart: 0 },
  CO: { currency: 'COP', symbol: '$', spaced: true, ...point, cents: 'whenNeeded', dateSeparator: '/', weekStart: 0 },
  AR: { currency: 'ARS', symbol: '$', spaced: true, ...point, cents: 'always', dateSeparator: '/', weekStart: 1 },
  MX: { currency: 'MXN', symbol: '$', spaced: false, ...comma, cents: 'always', dateSeparator: '/', weekStart: 0 },
  CL: { currency: 'CLP', symbol: '$', spaced: false, ...point, cents: 'always', dateSeparator: '-', weekStart: 1 },
  EC: { currency: 'USD', symbol: '$', spaced: false, ...point, cents: 'always', dateSeparator: '/', weekStart: 1 },
  BR: { currency: 'BRL', symbol: 'R$', spaced: true, ...point, cents: 'always', dateSeparator: '/', weekStart: 0 },
}

/** Used for a country without an entry: its amounts carry the ISO code of their currency. */
const fallback: CountryFormat = {
  currency: '',
  symbol: '',
  spaced: true,
  ...comma,
  cents: 'always',
  dateSeparator: '/',
  weekStart: 1,
}

/** Format of an ISO 3166 alpha-2 country code. */
export function countryFormat(country: string): CountryFormat {
  return formats[country] ?? fallback
}

/** Countries with an entry of their own, for pickers. */
export const knownCountries: readonly string[] = Object.keys(formats)
