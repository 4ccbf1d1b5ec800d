import { describe, expect, it } from 'vitest'
import { joined, keepSelection, matching, parseInput, type Entry } from '@/areas/operations/palette/entries'
import { csvOf, gapsOf, groupFlags, restarts, shifted } from '@/areas/operations/devices/timeSeries'
import { chosenColumns, direction, nextOrder } from '@/components/list'
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

  it('has each thing once, groups together', () => {
    const of = (id: string, group: Entry['group'], title: string): Entry => ({ id, group, icon: '', title, note: '', to: '/' })
    const listed = [of('a', 'customers', 'as listed'), of('b', 'devices', '')]
    const found = [of('i', 'invoices', ''), of('a', 'customers', 'as found'), of('c', 'customers', ''), of('s', 'services', '')]
    const rows = joined(listed, found)
    expect(rows.map((one) => one.id)).toEqual(['a', 'c', 's', 'b', 'i'])
    expect(rows[0]?.title).toBe('as listed')
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

describe('time series', () => {
  it('finds gaps after the first sample, and one up to now', () => {
    expect(gapsOf([[0, null], [10, 1], [20, 1], [30, null], [60, 2]], 10, 100)).toEqual([[20, 60], [60, 100]])
    expect(gapsOf([[0, 1], [10, null], [20, 1]], 10, 25)).toEqual([])
    expect(gapsOf([], 10, 100)).toEqual([])
  })

  it('counts what falls together and keeps different things apart', () => {
    const flags = [{ at: 5, label: 'cut' }, { at: 0, label: 'cut' }, { at: 6, label: 'restart' }, { at: 90, label: 'cut' }]
    expect(groupFlags(flags, 10)).toEqual([
      { at: 0, label: 'cut', count: 2 },
      { at: 6, label: 'restart', count: 1 },
      { at: 90, label: 'cut', count: 1 },
    ])
  })

  it('sees a restart where the uptime falls, over a hole too', () => {
    expect(restarts([[0, 100], [10, 110], [20, null], [30, 5], [40, 15]])).toEqual([30])
  })

  it('lays an earlier period over this one and writes both as a file', () => {
    const series = [
      { label: 'a', points: [[1000, 1], [2000, null]] as const },
      { label: 'b, "before"', points: shifted([[0, 7]], 1000), comparedWith: 0 },
    ]
    expect(csvOf(series, 1000)).toBe('time,"a","b, ""before"""\r\n1970-01-01T00:00:01.000Z,1,7\r\n1970-01-01T00:00:02.000Z,,\r\n')
  })
})

describe('order', () => {
  const name = { key: 'name', label: 'Name', sort: 'name' }
  const due = { key: 'due', label: 'Due', sort: '-due_on' }
  const owed = { key: 'owed', label: 'Owed', sort: '-owed', oneWay: true }

  it('goes one way, the other, and back to the own order of the list', () => {
    expect(['', '-due_on', 'due_on', '-total'].map((order) => nextOrder(due, order, 'name'))).toEqual(['-due_on', 'due_on', '', '-due_on'])
  })

  it('turns the own order around and back', () => {
    expect(['', '-name', '-due_on'].map((order) => nextOrder(name, order, 'name'))).toEqual(['-name', '', ''])
    expect(nextOrder(due, '', '-due_on')).toBe('due_on')
  })

  it('has one way only where the list knows no other', () => {
    expect(['', '-owed'].map((order) => nextOrder(owed, order, 'name'))).toEqual(['-owed', ''])
  })

  it('says how it runs along a column', () => {
    expect([direction(name, 'name'), direction(name, '-name'), direction(name, '-due_on'), direction({ key: 'x', label: '' }, 'x')]).toEqual([
      'ascending',
      'descending',
      null,
      null,
    ])
  })
})
