/** What the pages about sound ask of the server. */
import { keepPreviousData, queryOptions } from '@tanstack/react-query'
import { api } from '../api/client'
import type { Alike, Analysis, AnalysisStatus, DuplicateGroup, Id, LibraryMap, Mix, Page, Track } from '../api/types'

const SOON_MS = 5_000

/** Asked again every five seconds until the track has been listened to. */
export const analysisQuery = (id: Id) =>
  queryOptions({
    queryKey: ['analysis', id],
    queryFn: ({ signal }) => api.get<Analysis>(`tracks/${id}/analysis`, undefined, { signal }),
    refetchInterval: (query) => (query.state.data?.state === 'pending' ? SOON_MS : false),
  })

export const alikeQuery = (id: Id) =>
  queryOptions({
    queryKey: ['alike', id],
    queryFn: ({ signal }) => api.get<Alike>(`similar/${id}`, { n: 25 }, { signal }),
  })

export const pathQuery = (from: Id, to: Id, n: number) =>
  queryOptions({
    queryKey: ['path', from, to, n],
    queryFn: ({ signal }) => api.get<Mix>('path', { from, to, n }, { signal }),
  })

export const analysisStatusQuery = (everyMs: number) =>
  queryOptions({
    queryKey: ['analysis-status'],
    queryFn: ({ signal }) => api.get<AnalysisStatus>('analysis', undefined, { signal }),
    refetchInterval: everyMs,
    staleTime: 0,
  })

/** Asked again while the server is still drawing it. */
export const mapQuery = queryOptions({
  queryKey: ['map'],
  queryFn: ({ signal }) => api.get<LibraryMap>('map', undefined, { signal }),
  refetchInterval: (query) => (query.state.data?.state === 'pending' ? SOON_MS : false),
  staleTime: 5 * 60_000,
})

export const duplicatesQuery = (offset: number, limit: number) =>
  queryOptions({
    queryKey: ['duplicates', offset],
    queryFn: ({ signal }) => api.get<Page<DuplicateGroup>>('duplicates', { offset, limit }, { signal }),
    placeholderData: keepPreviousData,
  })

/** Tracks in the order of `ids`; those that are gone are left out. At most 500. */
export async function tracksById(ids: Id[]): Promise<Track[]> {
  return (await api.post<Page<Track>>('tracks/by-id', { ids })).items
}

export const tracksByIdQuery = (ids: Id[]) =>
  queryOptions({ queryKey: ['tracks-by-id', ids], queryFn: () => tracksById(ids), enabled: ids.length > 0 })
