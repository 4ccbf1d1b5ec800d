/**
 * Plural forms by `Intl.PluralRules`: Spanish 0 is plural, Portuguese 0 is singular, and both have
 * `many` at a million ("1 000 000 de clientes"). A message lists its forms as `one | other`,
 * or `one | many | other`.
 */
export function pluralForm(language: string): (choice: number, forms: number) => number {
  const rules = new Intl.PluralRules(language)
  return (choice, forms) => {
    if (forms < 2) return 0
    const category = rules.select(Math.abs(choice))
    if (category === 'one') return 0
    if (category === 'many' && forms > 2) return 1
    return forms - 1
  }
}
