import { QueryClientProvider, useQuery, useQueryClient } from '@tanstack/react-query'
import { lazy, useEffect } from 'react'
import { BrowserRouter, Link, Route, Routes } from 'react-router'
import { FileQuestion } from 'lucide-react'
import { ApiError, basePath, setCsrf, whenSignedOut } from './api/client'
import { queryClient, sessionQuery } from './api/queries'
import Home from './pages/Home'
import { NowPlaying } from './playing'
import { Shell } from './shell/Shell'
import { SignIn } from './shell/SignIn'
import { useTitle } from './shell/useTitle'
import { EmptyState, ErrorState, Loading } from './ui/States'

const Artists = lazy(() => import('./pages/Artists'))
const Artist = lazy(() => import('./pages/Artist'))
const Releases = lazy(() => import('./pages/Releases'))
const Release = lazy(() => import('./pages/Release'))
const Tracks = lazy(() => import('./pages/Tracks'))
const TrackPage = lazy(() => import('./sound/TrackPage'))
const MapPage = lazy(() => import('./sound/MapPage'))
const Duplicates = lazy(() => import('./sound/Duplicates'))
const Genres = lazy(() => import('./pages/Genres'))
const Genre = lazy(() => import('./pages/Genres').then((module) => ({ default: module.Genre })))
const Folders = lazy(() => import('./pages/Folders'))
const FolderView = lazy(() => import('./pages/Folders').then((module) => ({ default: module.FolderView })))
const SearchPage = lazy(() => import('./pages/SearchPage'))
const Favourites = lazy(() => import('./pages/Favourites'))
const Playlists = lazy(() => import('./pages/Playlists'))
const Playlist = lazy(() => import('./pages/Playlist'))
const LibraryHub = lazy(() => import('./pages/LibraryHub'))
const ScanPage = lazy(() => import('./pages/ScanPage'))
const History = lazy(() => import('./past/History'))
const Elsewhere = lazy(() => import('./past/Elsewhere'))
const Statistics = lazy(() => import('./past/Statistics'))
const Year = lazy(() => import('./past/Year'))
const Settings = lazy(() => import('./settings/Settings'))
const Profile = lazy(() => import('./settings/Profile'))
const Playback = lazy(() => import('./settings/Playback'))
const Apps = lazy(() => import('./settings/Apps'))
const Users = lazy(() => import('./settings/Users'))
const Libraries = lazy(() => import('./settings/Libraries'))
const AnalysisSettings = lazy(() => import('./settings/Analysis'))

export function App() {
  return (
    <QueryClientProvider client={queryClient}>
      <BrowserRouter basename={basePath || '/'}>
        <Gate />
      </BrowserRouter>
    </QueryClientProvider>
  )
}

/** Signed in or not: nothing else is shown before that is known. */
function Gate() {
  const client = useQueryClient()
  const { data: session, error, refetch, isPending } = useQuery(sessionQuery)
  setCsrf(session?.csrf ?? null)
  useEffect(() => {
    whenSignedOut(() => void client.resetQueries({ queryKey: sessionQuery.queryKey }))
    return () => whenSignedOut(null)
  }, [client])
  if (session) return <Pages />
  if (isPending) return <Loading label="Starting" />
  if (error instanceof ApiError && error.status !== 401) {
    return (
      <main className="alone">
        <ErrorState error={error} onRetry={() => void refetch()} />
      </main>
    )
  }
  return <SignIn />
}

function Pages() {
  return (
    <Routes>
      <Route element={<Shell />}>
        <Route index element={<Home />} />
        <Route path="artists" element={<Artists />} />
        <Route path="artists/:id" element={<Artist />} />
        <Route path="releases" element={<Releases />} />
        <Route path="releases/:id" element={<Release />} />
        <Route path="tracks" element={<Tracks />} />
        <Route path="tracks/:id" element={<TrackPage />} />
        <Route path="map" element={<MapPage />} />
        <Route path="duplicates" element={<Duplicates />} />
        <Route path="genres" element={<Genres />} />
        <Route path="genre" element={<Genre />} />
        <Route path="folders" element={<Folders />} />
        <Route path="folders/:id" element={<FolderView />} />
        <Route path="search" element={<SearchPage />} />
        <Route path="favourites" element={<Favourites />} />
        <Route path="playlists" element={<Playlists />} />
        <Route path="playlists/:id" element={<Playlist />} />
        <Route path="library" element={<LibraryHub />} />
        <Route path="scan" element={<ScanPage />} />
        <Route path="history" element={<History />} />
        <Route path="history/elsewhere" element={<Elsewhere />} />
        <Route path="statistics" element={<Statistics />} />
        <Route path="year/:year" element={<Year />} />
        <Route path="playing" element={<NowPlaying />} />
        <Route path="settings" element={<Settings />}>
          <Route index element={<Profile />} />
          <Route path="playback" element={<Playback />} />
          <Route path="apps" element={<Apps />} />
          <Route path="users" element={<Users />} />
          <Route path="libraries" element={<Libraries />} />
          <Route path="analysis" element={<AnalysisSettings />} />
        </Route>
        <Route path="*" element={<Nowhere />} />
      </Route>
    </Routes>
  )
}

function Nowhere() {
  useTitle('Not here')
  return (
    <EmptyState
      icon={FileQuestion}
      title="There is no such page"
      action={
        <Link className="btn btn-soft" to="/">
          Home
        </Link>
      }
    />
  )
}
