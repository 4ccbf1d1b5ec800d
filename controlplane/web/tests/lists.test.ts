import { describe, expect, it } from 'vitest'
import { keepSelection, matching, parseInput, type Entry } from '@/areas/operations/palette/entries'
import { chosenColumns } from '@/components/list'
import { parseViews, sameQuery, viewQuery } from '@/composables/useViews'

const entry = (id: string, title: string, note = ''): Entry => ({ id, group: 'go', icon: '', title, note, to: { name: id } })

describe('palette', () => {
  it('reads the prefix', () => {
    expect(parseInput('  quispe ')).toEqual({ mode: 'all', words: 'quispe' })
    expect(parseInput('> crear')).toEqual({ mode: 'actions', words: 'crear' })
    expect(parseInput(':nodos')).toEqual({ mode: 'go', words: 'nodos' })
  })

  it('finds every word, without accents and case', () => {
    const all = [entry('a', 'Auditoría'), entry('b', 'Línea de unión', 'agente'), entry('c', 'Planes')]
    expect(matching(all, 'LINEA agente').map((one) => one.id)).toEqual(['b'])
    expect(matching(all, 'auditoria').map((one) => one.id)).toEqual(['a'])
    expect(matching(all, '')).toHaveLength(3)
  })

  it('keeps the selected row while others come in', () => {
    expect(keepSelection([entry('x', ''), entry('a', '')], 'a')).toBe('a')
    expect(keepSelection([entry('x', '')], 'a')).toBe('x')
    expect(keepSelection([], 'a')).toBe('')
  })
})

describe('columns and views', () => {
  const columns = [{ key: 'name', label: 'Name' }, { key: 'state', label: 'State' }, { key: 'owed', label: 'Owed' }, { key: 'edit', label: '' }]

  it('shows what the address asks for; the first and the unnamed column stay', () => {
    expect(chosenColumns(columns, 'owed').map((one) => one.key)).toEqual(['name', 'owed', 'edit'])
    expect(chosenColumns(columns, undefined)).toHaveLength(4)
  })

  it('keeps filters and columns, not the place in the list or what is open', () => {
    const query = { q: 'x', cursor: 'abc', peek: 'cus_1', do: 'pay', cols: 'owed' }
    expect(viewQuery(query)).toEqual({ cols: 'owed', q: 'x' })
    expect(sameQuery({ q: 'x', cols: 'owed' }, { cols: 'owed', q: 'x', cursor: 'z' })).toBe(true)
    expect(sameQuery({ q: 'x' }, { q: 'y' })).toBe(false)
  })

  it('takes nothing from a storage that holds something else', () => {
    for (const text of ['', 'null', '3', '{"customers":5}', '{"customers":[{"name":1}]}']) {
      expect(Object.values(parseViews(text)).flat()).toEqual([])
    }
    expect(parseViews('{"customers":[{"name":"Debe","query":{"q":"x"}}]}')).toEqual({ customers: [{ name: 'Debe', query: { q: 'x' } }] })
  })
})
