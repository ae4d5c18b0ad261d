import { useQuery } from '@tanstack/react-query'
import { Blend, EllipsisVertical, Play, Radio } from 'lucide-react'
import { useState } from 'react'
import { useParams } from 'react-router'
import { artistMenu, artistTracks } from '../acts/menus'
import { startMix } from '../acts/mixes'
import { artistQuery } from '../api/queries'
import type { ArtistPage } from '../api/types'
import { player } from '../engine'
import { plural } from '../format'
import { useListSource } from '../lists/source'
import { TrackTable } from '../lists/TrackTable'
import { useTitle } from '../shell/useTitle'
import { Button, IconButton } from '../ui/Button'
import { LikeButton } from '../ui/LikeButton'
import { openMenu } from '../ui/menus'
import { ErrorState, RowSkeletons } from '../ui/States'
import { ArtistCard, playAll, ReleaseCard } from './cards'
import { Hero, HeroSkeleton } from './Hero'
import { Shelf } from './Shelf'

const SHOWN = 5

export default function Artist() {
  const { id = '' } = useParams()
  const { data, error, refetch } = useQuery(artistQuery(id))
  useTitle(data?.artist.name)
  if (error && !data) return <ErrorState error={error} onRetry={() => void refetch()} />
  if (!data) {
    return (
      <>
        <HeroSkeleton />
        <RowSkeletons rows={5} />
      </>
    )
  }
  return <Loaded key={id} page={data} />
}

function Loaded({ page: { artist, releases, appearances, top, related } }: { page: ArtistPage }) {
  const [allTop, setAllTop] = useState(false)
  const source = useListSource(allTop ? top : top.slice(0, SHOWN))
  return (
    <>
      <Hero
        id={artist.id}
        art={artist.art}
        kind="artist"
        over="Artist"
        title={artist.name}
        round
        actions={
          <>
            <Button variant="primary" size="l" icon={Play} onClick={() => playAll(() => artistTracks(artist.id))}>
              Play
            </Button>
            <IconButton
              size="l"
              label="Start radio"
              icon={Radio}
              disabled={top.length === 0}
              onClick={() => player.startRadio(top.slice(0, 5))}
            />
            <IconButton size="l" label="Start a mix" icon={Blend} onClick={() => startMix('artist', artist.id, artist.name)} />
            <LikeButton type="artist" entity={artist} name={artist.name} size="l" />
            <IconButton
              size="l"
              label={`More for ${artist.name}`}
              title="More"
              icon={EllipsisVertical}
              onClick={(event) =>
                openMenu(
                  event,
                  artist.name,
                  artistMenu(artist).filter((item) => !('label' in item) || item.label !== 'Go to artist'),
                )
              }
            />
          </>
        }
      >
        <p className="muted">
          {plural(artist.release_count, 'release')} · {plural(artist.track_count, 'track')}
        </p>
      </Hero>
      {top.length > 0 && (
        <section className="section" aria-label="Top tracks">
          <h2 className="section-title">Top tracks</h2>
          <TrackTable source={source} label={`Top tracks of ${artist.name}`} />
          {top.length > SHOWN && (
            <Button size="s" variant="ghost" className="section-more" onClick={() => setAllTop(!allTop)}>
              {allTop ? 'Fewer' : `All ${top.length}`}
            </Button>
          )}
        </section>
      )}
      {releases.length > 0 && (
        <section className="section" aria-label="Releases">
          <h2 className="section-title">Releases</h2>
          <div className="grid">
            {releases.map((release) => (
              <ReleaseCard key={release.id} release={release} byYear />
            ))}
          </div>
        </section>
      )}
      {appearances.length > 0 && (
        <Shelf title="Appears on">
          {appearances.map((release) => (
            <ReleaseCard key={release.id} release={release} />
          ))}
        </Shelf>
      )}
      {related.length > 0 && (
        <Shelf title="Sounds like">
          {related.map((each) => (
            <ArtistCard key={each.id} artist={each} />
          ))}
        </Shelf>
      )}
    </>
  )
}
