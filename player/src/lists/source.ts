/** Where a list's rows come from: an array in hand, or windows of a list on the server. */
import { queryOptions, useQueries, useQueryClient } from '@tanstack/react-query'
import { useCallback, useEffect, useMemo, useRef, useState } from 'react'
import type { Params } from '../api/client'
import { fetchPage } from '../api/queries'
import type { Id, Page } from '../api/types'
import { byPage, PAGE, pagesFor } from './window'

export interface Source<T> {
  /** Another value means another list: a new order, another filter. */
  key: string
  /** Null until the first window came. */
  total: number | null
  error: unknown
  /** The row at `index`, or undefined while it is on its way. */
  get: (index: number) => T | undefined
  /** Every row asked for, fetching what is missing; at most `MOST` of them. */
  load: (indices: Iterable<number>) => Promise<T[]>
  /** Says which rows are looked at (`end` exclusive). */
  look: (start: number, end: number) => void
  retry: () => void
}

/** An act on a selection reads at most this many rows. */
export const MOST = 5_000

const nothing = () => undefined

export function useListSource<T>(items: readonly T[]): Source<T> {
  return useMemo(
    () => ({
      key: '',
      total: items.length,
      error: null,
      get: (index) => items[index],
      load: (indices) =>
        Promise.resolve(
          [...indices]
            .sort((a, b) => a - b)
            .slice(0, MOST)
            .flatMap((index) => items[index] ?? []),
        ),
      look: nothing,
      retry: nothing,
    }),
    [items],
  )
}

const SETTLE_MS = 70

/** Windows of `GET /api/{path}`: only pages in view are fetched, and none that is merely flown over. */
export function usePagedSource<T extends { id: Id }>(path: string, params: Params): Source<T> {
  const client = useQueryClient()
  const key = JSON.stringify(params)
  const [pages, setPages] = useState<number[]>([0])
  const wanted = useRef<number[]>([0])
  const timer = useRef<ReturnType<typeof setTimeout>>(undefined)

  const options = useCallback(
    (page: number) =>
      queryOptions({
        queryKey: ['list', path, key, page],
        queryFn: ({ signal }) => fetchPage<T>(path, { ...(JSON.parse(key) as Params), offset: page * PAGE, limit: PAGE }, signal),
        staleTime: 5 * 60_000,
      }),
    [path, key],
  )

  // Another list starts at its own beginning.
  const [shown, setShown] = useState(key)
  if (shown !== key) {
    setShown(key)
    setPages([0])
  }
  useEffect(() => {
    wanted.current = [0]
    return () => clearTimeout(timer.current)
  }, [key])

  const results = useQueries({ queries: pages.map((page) => options(page)) })
  const known = results.find((result) => result.data)?.data ?? client.getQueryData<Page<T>>(options(0).queryKey)
  const total = known?.total ?? null
  const error = results.find((result) => result.isError)?.error ?? null

  const look = useCallback(
    (start: number, end: number) => {
      const next = pagesFor(start, end, total)
      if (next.length === 0 || next.join() === wanted.current.join()) return
      wanted.current = next
      clearTimeout(timer.current)
      timer.current = setTimeout(() => setPages(next), SETTLE_MS)
    },
    // With another key, what is in view must be asked for anew.
    // eslint-disable-next-line react-hooks/exhaustive-deps
    [total, key],
  )

  const load = useCallback(
    async (indices: Iterable<number>) => {
      const rows: T[] = []
      for (const [page, wantedRows] of byPage([...indices].slice(0, MOST))) {
        const data = await client.fetchQuery(options(page))
        for (const index of wantedRows) {
          const row = data.items[index - page * PAGE]
          if (row) rows.push(row)
        }
      }
      return rows
    },
    [client, options],
  )

  const get = (index: number) => {
    const page = Math.floor(index / PAGE)
    const at = pages.indexOf(page)
    const data = (at >= 0 ? results[at]?.data : undefined) ?? client.getQueryData<Page<T>>(options(page).queryKey)
    return data?.items[index - page * PAGE]
  }

  const retry = () => {
    for (const result of results) if (result.isError) void result.refetch()
  }
  return { key, total, error, get, load, look, retry }
}
