import { useQuery } from '@tanstack/react-query'
import { Blend, Play, Shapes } from 'lucide-react'
import type { CSSProperties } from 'react'
import { Link, useSearchParams } from 'react-router'
import { genreTracks } from '../acts/menus'
import { startMix } from '../acts/mixes'
import { genresQuery } from '../api/queries'
import type { Release, Track } from '../api/types'
import { plural } from '../format'
import { usePagedSource } from '../lists/source'
import { TrackTable } from '../lists/TrackTable'
import { VirtualGrid } from '../lists/VirtualGrid'
import { useTitle } from '../shell/useTitle'
import { Button } from '../ui/Button'
import { Segmented } from '../ui/Form'
import { gradientOf } from '../ui/gradient'
import { CardSkeletons, EmptyState, ErrorState } from '../ui/States'
import { playAll, ReleaseCard } from './cards'

export default function Genres() {
  useTitle('Genres')
  const { data, error, refetch } = useQuery(genresQuery)
  return (
    <>
      <header className="page-head">
        <div>
          <h1 className="page-title">Genres</h1>
          <p className="page-count">{data ? plural(data.total, 'genre') : ' '}</p>
        </div>
      </header>
      {error && !data && <ErrorState error={error} onRetry={() => void refetch()} />}
      {!data && !error && <CardSkeletons />}
      {data?.items.length === 0 && (
        <EmptyState icon={Shapes} title="No genres yet">
          They come from the files’ own tags.
        </EmptyState>
      )}
      <ul className="genres">
        {data?.items.map((genre) => (
          <li key={genre.name}>
            <Link
              to={`/genre?name=${encodeURIComponent(genre.name)}`}
              className="genre"
              style={gradientOf(genre.name) as CSSProperties}
            >
              <span className="genre-name">{genre.name}</span>
              <span className="small">{plural(genre.track_count, 'track')}</span>
            </Link>
          </li>
        ))}
      </ul>
    </>
  )
}

export function Genre() {
  const [params, setParams] = useSearchParams()
  const name = params.get('name') ?? ''
  const view = params.get('view') === 'tracks' ? 'tracks' : 'releases'
  useTitle(name)
  return (
    <>
      <header className="page-head">
        <div>
          <h1 className="page-title">{name}</h1>
          <p className="page-count">
            <Link to="/genres">Genre</Link>
          </p>
        </div>
        <div className="filters">
          <Button variant="primary" size="s" icon={Play} onClick={() => playAll(() => genreTracks(name))}>
            Play
          </Button>
          <Button size="s" icon={Blend} onClick={() => startMix('genre', name, name)}>
            Start a mix
          </Button>
          <Segmented
            label="Show"
            value={view}
            onChange={(next) => setParams({ name, view: next }, { replace: true })}
            options={[
              { value: 'releases', label: 'Releases' },
              { value: 'tracks', label: 'Tracks' },
            ]}
          />
        </div>
      </header>
      {view === 'tracks' ? <GenreTracks name={name} /> : <GenreReleases name={name} />}
    </>
  )
}

function GenreReleases({ name }: { name: string }) {
  const source = usePagedSource<Release>('releases', { genre: name, sort: 'name' })
  return (
    <VirtualGrid
      source={source}
      label={`Releases in ${name}`}
      render={(release) => <ReleaseCard release={release} />}
      empty={<EmptyState icon={Shapes} title="Nothing here" />}
    />
  )
}

function GenreTracks({ name }: { name: string }) {
  const source = usePagedSource<Track>('tracks', { genre: name, sort: 'artist' })
  return <TrackTable source={source} label={`Tracks in ${name}`} empty={<EmptyState icon={Shapes} title="Nothing here" />} />
}
