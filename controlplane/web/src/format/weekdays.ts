/** Names of the days of a week by their ISO numbers, 1 for Monday, in the order in which a country's week runs. */
export function weekdays(language: string, weekStart: 0 | 1): { value: string; title: string }[] {
  const names = new Intl.DateTimeFormat(language, { weekday: 'long', timeZone: 'UTC' })
  const numbers = weekStart === 1 ? [1, 2, 3, 4, 5, 6, 7] : [7, 1, 2, 3, 4, 5, 6]
  // The first of January 2024 was a Monday.
  return numbers.map((number) => ({ value: String(number), title: names.format(new Date(Date.UTC(2024, 0, number))) }))
}
