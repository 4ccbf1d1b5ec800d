import { describe, expect, it } from 'vitest'
import { readFileSync } from 'node:fs'
import { findings, flatten, misplaced, parameters, wanted } from '../scripts/i18n.mjs'
import { nearestLanguage } from '@/i18n'
import { pluralForm } from '@/i18n/plural'

describe('plural forms', () => {
  it.each([
    ['es-419', 0, 2],
    ['es-419', 1, 0],
    ['es-419', 2, 2],
    ['es-419', 1_000_000, 1],
    ['en', 0, 2],
    ['en', 1, 0],
    ['pt-BR', 0, 0],
    ['pt-BR', 1, 0],
    ['pt-BR', 2, 2],
    ['pt-BR', 1_000_000, 1],
  ])('%s %d picks form %d of one | many | other', (language, count, form) => {
    expect(pluralForm(language)(count, 3)).toBe(form)
  })

  it('falls back to other when there is no form for many', () => {
    expect(pluralForm('es-419')(1_000_000, 2)).toBe(1)
    expect(pluralForm('es-419')(5, 1)).toBe(0)
  })
})

describe('the check that fails the build', () => {
  const source = (text: string) => [{ name: 'a.vue', text }]

  it('accepts complete catalogues', () => {
    const both = { es: { 'a.b': 'Hola {name}' }, en: { 'a.b': 'Hello {name}' } }
    expect(findings(both, source("t('a.b', { name })"))).toEqual([])
  })

  it('finds a word that one language lacks', () => {
    expect(findings({ es: { 'a.b': 'x' }, en: {} }, source("$t('a.b')"))).toEqual(['en: a.b is missing'])
    expect(findings({ es: {}, en: { 'a.b': 'x' } }, [])).toEqual(['es: a.b is missing (it is in en)'])
  })

  it('finds other parameters', () => {
    const both = { es: { 'a.b': '{n} días' }, en: { 'a.b': '{count} days' } }
    expect(findings(both, source("t('a.b')"))[0]).toContain('other parameters')
  })

  it('finds a key that is asked for and nowhere defined, and one that nobody asks for', () => {
    const both = { es: { 'a.b': 'x' }, en: { 'a.b': 'x' } }
    expect(findings(both, source("t('a.c')"))).toEqual(['a.vue: a.c is in no catalogue', 'es: a.b is used nowhere'])
  })

  it('understands choices, counted nouns and keys with holes', () => {
    const { keys, patterns } = wanted("t(x ? 'a.b' : 'a.c'); format.counted('d.e', n, { q: t('f.g') }); t(`h.${i}.j`)")
    expect([...keys].sort()).toEqual(['a.b', 'a.c', 'd.e', 'f.g'])
    expect([...patterns.values()][0].test('h.anything.j')).toBe(true)
  })

  it('does not take a permission among the parameters for a key', () => {
    expect([...wanted("t('problem.permission_missing', { permission: 'service.cut' })").keys]).toEqual([
      'problem.permission_missing',
    ])
  })

  it('finds a word of a part that is asked for where it is not loaded', () => {
    const parts = { far: { folders: ['areas/far'], messages: { 'a.b': 'x', 'c.d': 'y' } } }
    expect(misplaced(parts, [{ name: 'src/areas/far/A.vue', text: "t('a.b')" }, { name: 'src/areas/near/A.vue', text: "t('e.f')" }])).toEqual([])
    expect(misplaced(parts, [{ name: 'src/areas/near/A.vue', text: "t('a.b'); t(`c.${x}`)" }])).toHaveLength(2)
  })

  it('flattens and lists parameters', () => {
    expect(flatten({ a: { b: 'x', c: { d: 'y' } } })).toEqual({ 'a.b': 'x', 'a.c.d': 'y' })
    expect(parameters('{b} and {a} and {b}')).toEqual(['a', 'b'])
  })
})

it('has a word for every right that the server asks for', () => {
  const json = (file: string): unknown => JSON.parse(readFileSync(new URL(`../${file}`, import.meta.url), 'utf8'))
  const document = json('openapi.json') as { paths: Record<string, Record<string, { 'x-permission'?: string }>> }
  const asked = Object.values(document.paths).flatMap((operations) => Object.values(operations).map((one) => one['x-permission'] ?? ''))
  const rights = [...new Set(asked)].filter((name) => name.includes('.'))
  const words = flatten((json('src/i18n/parts/es-419.administration.json') as { permission: object }).permission)
  expect(rights.length).toBeGreaterThan(30)
  expect(rights.filter((name) => !(name in words))).toEqual([])
})

it('finds the language that fits a tag', () => {
  expect(nearestLanguage(['es-PE'])).toBe('es-419')
  expect(nearestLanguage(['de', 'pt'])).toBe('pt-BR')
  expect(nearestLanguage(['fr'])).toBe('es-419')
})
