import { useQuery } from '@tanstack/react-query'
import { Search, SearchX } from 'lucide-react'
import { useEffect, useMemo } from 'react'
import { useSearchParams } from 'react-router'
import { searchQuery } from '../api/queries'
import type { Matches } from '../api/types'
import { player } from '../engine'
import { useListSource } from '../lists/source'
import { TrackTable } from '../lists/TrackTable'
import { useTitle } from '../shell/useTitle'
import { EmptyState, ErrorState, RowSkeletons } from '../ui/States'
import { ArtistCard, ReleaseCard } from './cards'
import { Shelf } from './Shelf'

const LIMIT = 30
/** A search is said to have happened once its words have stood this long. */
const MEANT_MS = 1_500

export default function SearchPage() {
  const [params] = useSearchParams()
  const q = params.get('q')?.trim() ?? ''
  useTitle(q ? `“${q}”` : 'Search')
  const { data, error, refetch, isPlaceholderData } = useQuery(searchQuery(q, LIMIT))
  useEffect(() => {
    if (!q) return
    const timer = setTimeout(() => player.emit('searched', null, { context: { search: q } }), MEANT_MS)
    return () => clearTimeout(timer)
  }, [q])
  if (!q) {
    return (
      <EmptyState icon={Search} title="Search the library">
        Artists, releases and tracks, as you type. A slip of the finger is forgiven.
      </EmptyState>
    )
  }
  if (error && !data) return <ErrorState error={error} onRetry={() => void refetch()} />
  if (!data) return <RowSkeletons />
  return <Found q={q} matches={data} stale={isPlaceholderData} />
}

function Found({ q, matches: { artists, releases, tracks }, stale }: { q: string; matches: Matches; stale: boolean }) {
  const source = useListSource(tracks)
  const context = useMemo(() => ({ search: q }), [q])
  const found = artists.length + releases.length + tracks.length
  return (
    <div className={stale ? 'stale' : undefined}>
      <h1 className="sr-only">Results for {q}</h1>
      <p className="sr-only" role="status">
        {stale ? '' : `${found} found`}
      </p>
      {found === 0 && !stale && (
        <EmptyState icon={SearchX} title={`Nothing like “${q}”`}>
          Try fewer words, or another spelling.
        </EmptyState>
      )}
      {artists.length > 0 && (
        <Shelf title="Artists">
          {artists.map((artist) => (
            <ArtistCard key={artist.id} artist={artist} />
          ))}
        </Shelf>
      )}
      {releases.length > 0 && (
        <Shelf title="Releases">
          {releases.map((release) => (
            <ReleaseCard key={release.id} release={release} />
          ))}
        </Shelf>
      )}
      {tracks.length > 0 && (
        <section className="section" aria-label="Tracks">
          <h2 className="section-title">Tracks</h2>
          <TrackTable source={source} label="Tracks found" context={context} />
        </section>
      )}
    </div>
  )
}
