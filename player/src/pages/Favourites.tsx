import { useQuery } from '@tanstack/react-query'
import { Heart, Play, Shuffle } from 'lucide-react'
import { favouritesQuery } from '../api/queries'
import { player } from '../engine'
import { plural } from '../format'
import { shuffled } from '../lists/shuffled'
import { useListSource } from '../lists/source'
import { TrackTable } from '../lists/TrackTable'
import { useTitle } from '../shell/useTitle'
import { Button } from '../ui/Button'
import { EmptyState, ErrorState, RowSkeletons } from '../ui/States'
import { ArtistCard, ReleaseCard } from './cards'
import { Shelf } from './Shelf'

const none: never[] = []

export default function Favourites() {
  useTitle('Favourites')
  const { data, error, refetch } = useQuery(favouritesQuery)
  const tracks = data?.tracks ?? none
  const source = useListSource(tracks)
  const empty = data && data.artists.length + data.releases.length + tracks.length === 0
  return (
    <>
      <header className="page-head">
        <div>
          <h1 className="page-title">Favourites</h1>
          <p className="page-count">{tracks.length > 0 ? plural(tracks.length, 'track') : ' '}</p>
        </div>
        {tracks.length > 0 && (
          <div className="filters">
            <Button variant="primary" size="s" icon={Play} onClick={() => player.playTracks(tracks, 0)}>
              Play
            </Button>
            <Button size="s" icon={Shuffle} onClick={() => player.playTracks(shuffled(tracks), 0)}>
              Shuffle
            </Button>
          </div>
        )}
      </header>
      {error && !data && <ErrorState error={error} onRetry={() => void refetch()} />}
      {!data && !error && <RowSkeletons />}
      {empty && (
        <EmptyState icon={Heart} title="Nothing liked yet">
          Press the heart on a track, a release or an artist. Segue listens to that, too.
        </EmptyState>
      )}
      {data && data.artists.length > 0 && (
        <Shelf title="Artists">
          {data.artists.map((artist) => (
            <ArtistCard key={artist.id} artist={artist} />
          ))}
        </Shelf>
      )}
      {data && data.releases.length > 0 && (
        <Shelf title="Releases">
          {data.releases.map((release) => (
            <ReleaseCard key={release.id} release={release} />
          ))}
        </Shelf>
      )}
      {tracks.length > 0 && (
        <section className="section" aria-label="Tracks">
          <h2 className="section-title">Tracks</h2>
          <TrackTable source={source} label="Liked tracks" />
        </section>
      )}
    </>
  )
}
