/** What the pages about the past ask of the server, and what they tell it. */
import { infiniteQueryOptions, keepPreviousData, queryOptions } from '@tanstack/react-query'
import { api } from '../api/client'
import { queryClient } from '../api/queries'
import type { Id, Import, ListensPage, Stats, Track } from '../api/types'

const PAGE = 100

export const listensQuery = (q: string) =>
  infiniteQueryOptions({
    queryKey: ['listens', q],
    queryFn: ({ pageParam, signal }) => api.get<ListensPage>('me/listens', { q, before: pageParam, limit: PAGE }, { signal }),
    initialPageParam: null as Id | null,
    getNextPageParam: (page) => page.next,
    staleTime: 0,
    placeholderData: keepPreviousData,
  })

export const statsQuery = (period: string, n: number) =>
  queryOptions({
    queryKey: ['stats', period, n],
    queryFn: ({ signal }) =>
      api.get<Stats>('stats', { period, n, utc_offset_min: -new Date().getTimezoneOffset() }, { signal }),
    staleTime: 0,
    placeholderData: keepPreviousData,
  })

export const trackQuery = (id: Id | null) =>
  queryOptions({
    queryKey: ['track', id],
    queryFn: ({ signal }) => api.get<Track>(`tracks/${id}`, undefined, { signal }),
    enabled: id !== null,
  })

export function isRunning(one: Import): boolean {
  return one.state === 'waiting' || one.state === 'running'
}

/** Asked every second while one runs. */
export const importsQuery = queryOptions({
  queryKey: ['imports'],
  queryFn: ({ signal }) => api.get<{ items: Import[] }>('me/imports', undefined, { signal }),
  refetchInterval: (query) => (query.state.data?.items.some(isRunning) ? 1_000 : false),
})

export const EXTERNALS = 'me/externals'

/** The past is another one: everything shown of it is asked anew. */
export function pastChanged(): Promise<unknown> {
  return Promise.all([
    queryClient.invalidateQueries({ queryKey: ['listens'] }),
    queryClient.invalidateQueries({ queryKey: ['stats'] }),
    queryClient.invalidateQueries({ queryKey: ['list', EXTERNALS] }),
  ])
}
