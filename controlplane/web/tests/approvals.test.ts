import { describe, expect, it } from 'vitest'
import { readFileSync } from 'node:fs'
import { flatten } from '../scripts/i18n.mjs'
import { waitingAboutKey, waitingAllKey, waitingKey } from '@/api/approvals'
import { readEvent } from '@/api/stream/connection'
import { effectOf } from '@/api/stream/reducer'
import { mayDecide, operations, pageOf } from '@/areas/operations/approvals/operations'
import { isOpenTo, navigation } from '@/areas/operations/navigation'

const asked = { operation: 'customer.erase', entity_id: 'cus_1', requested_by: 'usr_rosa' }

describe('what waits for a second person', () => {
  it('is decided on the page of what it is about', () => {
    expect(pageOf(asked)).toEqual({ name: 'person-data', params: { people: 'customers', id: 'cus_1' } })
    expect(pageOf({ operation: 'user.erase', entity_id: 'usr_1' })).toEqual({ name: 'person-data', params: { people: 'users', id: 'usr_1' } })
    expect(pageOf({ operation: 'collections.execute', entity_id: 'run_1' })).toEqual({ name: 'run', params: { id: 'run_1' } })
    expect(pageOf({ operation: 'of.tomorrow', entity_id: 'run_1' })).toBeNull()
  })

  it('is decided by somebody else who has both rights', () => {
    const all = () => true
    expect(mayDecide(asked, 'usr_luis', all)).toBe(true)
    expect(mayDecide(asked, 'usr_rosa', all)).toBe(false)
    for (const lacking of ['approval.decide', 'customer.erase']) expect(mayDecide(asked, 'usr_luis', (right) => right !== lacking)).toBe(false)
    expect(mayDecide({ ...asked, operation: 'of.tomorrow' }, 'usr_luis', all)).toBe(false)
  })

  it('is read again when somebody asks or decides', () => {
    for (const type of ['approval.requested', 'approval.decided']) {
      const event = readEvent(type, JSON.stringify({ id: 'evt_1', type, entity: { kind: 'approval', id: 'apr_1' }, related: {} }))!
      expect(effectOf(event).invalidate).toContainEqual([waitingKey[0]])
    }
  })

  it('is read again, all of it and what is about one thing, by one name', () => {
    for (const key of [waitingAllKey, waitingAboutKey('cus_1')]) expect(key.slice(0, 2)).toEqual([...waitingKey])
  })

  it('stands in the navigation of whoever may read it and sees the whole ISP', () => {
    const entry = navigation.flatMap((group) => group.items).find((item) => item.name === 'approvals')!
    expect(isOpenTo(entry, (right) => right === 'approval.read', true)).toBe(true)
    expect(isOpenTo(entry, (right) => right === 'approval.read', false)).toBe(false)
    expect(isOpenTo(entry, () => false, true)).toBe(false)
  })

  it.each(['es-419', 'en', 'pt-BR'])('has words for each operation in %s', (language) => {
    const words = JSON.parse(readFileSync(new URL(`../src/i18n/parts/${language}.approvals.json`, import.meta.url), 'utf8'))
    const named = Object.keys(flatten(words)).filter((key) => key.startsWith('approval.what.'))
    expect(named).toEqual(Object.keys(operations).map((name) => `approval.what.${name.replace('.', '_')}`))
  })
})
