/** The query client, its policy on retries, and the keys and fetchers the pages share. */
import { keepPreviousData, QueryClient, queryOptions } from '@tanstack/react-query'
import { api, ApiError, type Params } from './client'
import type {
  Artist,
  ArtistPage,
  ConnectInfo,
  FindingsPage,
  FolderPage,
  FolderRoot,
  Genre,
  Home,
  Id,
  Library,
  Matches,
  Page,
  Playlist,
  Preferences,
  ReleasePage,
  Scan,
  Session,
  Token,
  Track,
  User,
} from './types'

export const queryClient = new QueryClient({
  defaultOptions: {
    queries: {
      // A server at home answers without the internet: ask whatever the browser thinks of the network.
      networkMode: 'always',
      staleTime: 30_000,
      gcTime: 10 * 60_000,
      refetchOnWindowFocus: false,
      retry: (failures, error) => error instanceof ApiError && error.transient && failures < 2,
    },
  },
})

export const sessionQuery = queryOptions({
  queryKey: ['session'],
  queryFn: ({ signal }) => api.get<Session>('session', undefined, { signal }),
  staleTime: Infinity,
})

export const homeQuery = queryOptions({
  queryKey: ['home'],
  queryFn: ({ signal }) => api.get<Home>('home', undefined, { signal }),
})

export const artistQuery = (id: Id) =>
  queryOptions({ queryKey: ['artist', id], queryFn: ({ signal }) => api.get<ArtistPage>(`artists/${id}`, undefined, { signal }) })

export const releaseQuery = (id: Id) =>
  queryOptions({
    queryKey: ['release', id],
    queryFn: ({ signal }) => api.get<ReleasePage>(`releases/${id}`, undefined, { signal }),
  })

export const genresQuery = queryOptions({
  queryKey: ['genres'],
  queryFn: ({ signal }) => api.get<Page<Genre>>('genres', undefined, { signal }),
})

export const foldersQuery = queryOptions({
  queryKey: ['folders'],
  queryFn: ({ signal }) => api.get<{ items: FolderRoot[] }>('folders', undefined, { signal }),
})

export const folderQuery = (id: Id, offset: number, limit: number) =>
  queryOptions({
    queryKey: ['folder', id, offset],
    queryFn: ({ signal }) => api.get<FolderPage>(`folders/${id}`, { offset, limit }, { signal }),
  })

export const searchQuery = (q: string, limit: number) =>
  queryOptions({
    queryKey: ['search', q, limit],
    queryFn: ({ signal }) => api.get<Matches>('search', { q, limit }, { signal }),
    enabled: q.length > 0,
    placeholderData: keepPreviousData,
  })

export const favouritesQuery = queryOptions({
  queryKey: ['favourites'],
  queryFn: ({ signal }) => api.get<Matches>('favourites', undefined, { signal }),
})

export const playlistsQuery = queryOptions({
  queryKey: ['playlists'],
  queryFn: ({ signal }) => api.get<Page<Playlist>>('playlists', { limit: 500 }, { signal }),
})

export interface PlaylistPage {
  playlist: Playlist
  tracks: Track[]
}

export const playlistQuery = (id: Id) =>
  queryOptions({
    queryKey: ['playlist', id],
    queryFn: ({ signal }) => api.get<PlaylistPage>(`playlists/${id}`, undefined, { signal }),
  })

export const preferencesQuery = queryOptions({
  queryKey: ['preferences'],
  queryFn: ({ signal }) => api.get<Preferences>('preferences', undefined, { signal }),
  staleTime: Infinity,
})

export const tokensQuery = queryOptions({
  queryKey: ['tokens'],
  queryFn: ({ signal }) => api.get<{ items: Token[] }>('tokens', undefined, { signal }),
})

export const connectQuery = queryOptions({
  queryKey: ['connect'],
  queryFn: ({ signal }) => api.get<ConnectInfo>('connect', undefined, { signal }),
})

export const usersQuery = queryOptions({
  queryKey: ['users'],
  queryFn: ({ signal }) => api.get<{ items: User[] }>('users', undefined, { signal }),
})

export const librariesQuery = queryOptions({
  queryKey: ['libraries'],
  queryFn: ({ signal }) => api.get<{ items: Library[] }>('libraries', undefined, { signal }),
})

/** Asked every second while a scan runs, else every half minute. */
export const scanQuery = queryOptions({
  queryKey: ['scan'],
  queryFn: ({ signal }) => api.get<Scan>('scan', undefined, { signal }),
  refetchInterval: (query) => (query.state.data?.state === 'running' ? 1_000 : 30_000),
})

export const findingsQuery = (kind: string | null, offset: number, limit: number) =>
  queryOptions({
    queryKey: ['findings', kind, offset],
    queryFn: ({ signal }) => api.get<FindingsPage>('findings', { kind, offset, limit }, { signal }),
    placeholderData: keepPreviousData,
  })

/** One window of a long list. */
export function fetchPage<T extends Artist | Track | { id: Id }>(
  path: string,
  params: Params,
  signal?: AbortSignal,
): Promise<Page<T>> {
  return api.get<Page<T>>(path, params, signal ? { signal } : undefined)
}
