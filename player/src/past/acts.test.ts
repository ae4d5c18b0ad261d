import { expect, it } from 'vitest'
import type { Listen, ListensPage } from '../api/types'
import { without } from './acts'

const listen = (id: string, counted: boolean) => ({ id, counted }) as Listen
const page = (...items: Listen[]): ListensPage => ({ items, next: null, total: 9 })

it('takes one listen out of every page, and out of the total if it counted', () => {
  const old = { pages: [page(listen('a', true), listen('b', false)), page(listen('c', true))], pageParams: [null, 'b'] }
  const less = without(old, 'c')
  expect(less.pages.map((each) => each.items.map((one) => one.id))).toEqual([['a', 'b'], []])
  expect(less.pages.map((each) => each.total)).toEqual([8, 8])
  expect(without(old, 'b').pages[0]?.total).toBe(9)
  expect(old.pages[1]?.items).toHaveLength(1)
})
