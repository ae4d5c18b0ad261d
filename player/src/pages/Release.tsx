import { useQuery } from '@tanstack/react-query'
import { Blend, EllipsisVertical, Play, Shuffle } from 'lucide-react'
import { useMemo } from 'react'
import { Link, useParams, useSearchParams } from 'react-router'
import { setRating } from '../acts/acts'
import { releaseMenu } from '../acts/menus'
import { startMix } from '../acts/mixes'
import { useStanding } from '../acts/store'
import { artistQuery, releaseQuery } from '../api/queries'
import type { Release as ReleaseShape, ReleasePage, Track } from '../api/types'
import { player } from '../engine'
import { plural, span } from '../format'
import { Credits } from '../lists/Credits'
import { shuffled } from '../lists/shuffled'
import { useListSource } from '../lists/source'
import { TrackTable } from '../lists/TrackTable'
import { useTitle } from '../shell/useTitle'
import { Button, IconButton } from '../ui/Button'
import { LikeButton } from '../ui/LikeButton'
import { openMenu } from '../ui/menus'
import { Stars } from '../ui/Stars'
import { ErrorState, RowSkeletons } from '../ui/States'
import { ReleaseCard } from './cards'
import { Hero, HeroSkeleton } from './Hero'
import { Shelf } from './Shelf'

export default function Release() {
  const { id = '' } = useParams()
  const { data, error, refetch } = useQuery(releaseQuery(id))
  useTitle(data ? `${data.release.title} by ${data.release.artist}` : undefined)
  if (error && !data) return <ErrorState error={error} onRetry={() => void refetch()} />
  if (!data) {
    return (
      <>
        <HeroSkeleton />
        <RowSkeletons />
      </>
    )
  }
  return <Loaded key={id} page={data} />
}

function Loaded({ page: { release, tracks, disc_titles } }: { page: ReleasePage }) {
  const source = useListSource(tracks)
  const context = useMemo(() => ({ release_id: release.id }), [release.id])
  const headings = useMemo(() => discHeadings(tracks, disc_titles), [tracks, disc_titles])
  const [params] = useSearchParams()
  const meant = tracks.findIndex((track) => track.id === params.get('track'))
  const there = tracks.filter((track) => !track.missing)
  const total = tracks.reduce((sum, track) => sum + track.duration_ms, 0)
  return (
    <>
      <Hero
        id={release.id}
        art={release.art}
        kind="release"
        over={release.compilation ? 'Compilation' : 'Release'}
        title={release.title}
        actions={
          <>
            <Button
              variant="primary"
              size="l"
              icon={Play}
              disabled={there.length === 0}
              onClick={() => player.playTracks(there, 0, context)}
            >
              Play
            </Button>
            <IconButton
              size="l"
              label="Shuffle"
              icon={Shuffle}
              disabled={there.length === 0}
              onClick={() => player.playTracks(shuffled(there), 0, context)}
            />
            <IconButton size="l" label="Start a mix" icon={Blend} onClick={() => startMix('release', release.id, release.title)} />
            <LikeButton type="release" entity={release} name={release.title} size="l" />
            <IconButton
              size="l"
              label={`More for ${release.title}`}
              title="More"
              icon={EllipsisVertical}
              onClick={(event) =>
                openMenu(
                  event,
                  release.title,
                  releaseMenu(release).filter((item) => !('label' in item) || item.label !== 'Go to release'),
                )
              }
            />
          </>
        }
      >
        <p className="hero-artist">
          <Credits artists={release.artists} text={release.artist} />
        </p>
        <p className="muted">
          {[
            yearOf(release),
            plural(tracks.length, 'track'),
            span(total),
            release.play_count > 0 && plural(release.play_count, 'play'),
          ]
            .filter(Boolean)
            .join(' · ')}
        </p>
        <Rating release={release} />
      </Hero>
      <TrackTable
        source={source}
        label={`Tracks of ${release.title}`}
        kind="release"
        context={context}
        meant={meant < 0 ? undefined : meant}
        {...(headings ? { headings } : {})}
      />
      {release.genres.length > 0 && (
        <div className="chips">
          {release.genres.slice(0, 12).map((genre) => (
            <Link key={genre} className="chip" to={`/genre?name=${encodeURIComponent(genre)}`}>
              {genre}
            </Link>
          ))}
        </div>
      )}
      {release.artists.length === 1 && !release.compilation && release.artists[0] && (
        <More artist={release.artists[0].id} name={release.artists[0].name} except={release.id} />
      )}
    </>
  )
}

function Rating({ release }: { release: ReleaseShape }) {
  const { rating } = useStanding(release)
  return <Stars value={rating} label={release.title} size={18} onChange={(value) => setRating('release', release, value)} />
}

function More({ artist, name, except }: { artist: string; name: string; except: string }) {
  const { data } = useQuery(artistQuery(artist))
  const others = data?.releases.filter((release) => release.id !== except) ?? []
  if (others.length === 0) return null
  return (
    <Shelf title={`More by ${name}`} to={`/artists/${artist}`}>
      {others.slice(0, 20).map((release) => (
        <ReleaseCard key={release.id} release={release} byYear />
      ))}
    </Shelf>
  )
}

function yearOf(release: ReleaseShape): string {
  const original = release.original_date?.slice(0, 4)
  const year = release.year ? String(release.year) : (release.date?.slice(0, 4) ?? '')
  return original && year && original !== year ? `${original} (${year})` : year
}

/** A line above the first track of each disc, where there is more than one disc or one has a title. */
function discHeadings(tracks: Track[], titles: Record<string, string>): Map<number, string> | null {
  const discs = new Set(tracks.map((track) => track.disc ?? 1))
  if (discs.size < 2 && Object.keys(titles).length === 0) return null
  const headings = new Map<number, string>()
  let before: number | null = null
  tracks.forEach((track, index) => {
    const disc = track.disc ?? 1
    if (disc !== before) {
      const title = titles[String(disc)]
      headings.set(index, title ? `Disc ${disc}: ${title}` : `Disc ${disc}`)
    }
    before = disc
  })
  return headings
}
