import { useQuery } from '@tanstack/react-query'
import { CalendarHeart, ChartColumn, Clock, Flame, Play, Sparkles } from 'lucide-react'
import type { CSSProperties, ReactNode } from 'react'
import { Link, useParams } from 'react-router'
import type { Stats, Top } from '../api/types'
import { count, plural, span } from '../format'
import { playAll } from '../pages/cards'
import { useTitle } from '../shell/useTitle'
import { Art } from '../ui/Art'
import { Button, join } from '../ui/Button'
import { EmptyState, ErrorState, Loading } from '../ui/States'
import { placeOf, type TopKind } from './charts'
import { hourSpan, reviewOf } from './days'
import { statsQuery } from './queries'

const TOP = 5

/** A year, told in a few cards. */
export default function Year() {
  const { year = '' } = useParams()
  useTitle(`${year} in review`)
  const { data: stats, error, refetch, isPlaceholderData } = useQuery(statsQuery(year, TOP))
  return (
    <>
      <header className="page-head">
        <div>
          <h1 className="page-title">{year} in review</h1>
          <p className="page-count">
            <Link to={`/statistics?period=${year}`}>All the numbers</Link>
          </p>
        </div>
      </header>
      {error && !stats && <ErrorState error={error} onRetry={() => void refetch()} />}
      {(!stats || isPlaceholderData) && !error && <Loading />}
      {stats && !isPlaceholderData && (stats.listens > 0 ? <Cards year={year} stats={stats} /> : <Silent year={year} />)}
    </>
  )
}

function Silent({ year }: { year: string }) {
  return (
    <EmptyState
      icon={ChartColumn}
      title={`Nothing was heard in ${year}`}
      action={
        <Link className="btn btn-soft" to="/statistics?period=all">
          Statistics of all time
        </Link>
      }
    />
  )
}

function Cards({ year, stats }: { year: string; stats: Stats }) {
  const review = reviewOf(stats)
  const { artists, tracks, releases, genres } = stats.top
  const [artist] = artists
  const [release] = releases
  const playable = tracks.flatMap((top) => top.track ?? [])
  return (
    <div className="year">
      <Card hue={195} wide over={`Your ${year}`} big={count(Math.round(stats.ms / 60_000))} unit="minutes of music">
        {plural(stats.listens, 'listen')} of {plural(stats.distinct.tracks, 'track')} by{' '}
        {plural(stats.distinct.artists, 'artist')}, on {plural(review.activeDays, 'day')}.
      </Card>
      {artist && (
        <Card hue={30} over="Most of all, you heard" art={<Picture kind="artist" top={artist} />} big={<Name kind="artist" top={artist} />}>
          {plural(artist.listens, 'listen')}
          {artist.ms > 0 && `, ${span(artist.ms)}`}.
        </Card>
      )}
      {tracks.length > 0 && (
        <Card hue={285} over="The tracks you came back to">
          <ol className="year-tracks">
            {tracks.map((top, index) => (
              <li key={top.id ?? top.external_id ?? index}>
                <Art id={top.track?.release_id ?? top.name} art={top.art} size={48} kind="track" />
                <span className="cell-text">
                  <span className="ellipsis year-track">
                    <Name kind="track" top={top} />
                  </span>
                  <span className="small ellipsis">
                    {top.artist} · {plural(top.listens, 'listen')}
                  </span>
                </span>
              </li>
            ))}
          </ol>
          {playable.length > 0 && (
            <Button icon={Play} className="year-play" onClick={() => playAll(() => Promise.resolve(playable))}>
              Play them
            </Button>
          )}
        </Card>
      )}
      {release && (
        <Card hue={150} over="The release of your year" art={<Picture kind="release" top={release} />} big={<Name kind="release" top={release} />}>
          {release.artist ? `${release.artist} · ` : ''}
          {plural(release.listens, 'listen')}.
        </Card>
      )}
      <Card hue={330} icon={<Sparkles size={28} aria-hidden="true" />} over="New to you" big={count(stats.discoveries.tracks)} unit={stats.discoveries.tracks === 1 ? 'track' : 'tracks'}>
        heard for the first time
        {stats.discoveries.artists > 0 && `, and ${plural(stats.discoveries.artists, 'artist')} you had not met`}.
      </Card>
      {review.busiest && (
        <Card hue={60} icon={<CalendarHeart size={28} aria-hidden="true" />} over="Your fullest day" big={review.busiest.name}>
          {plural(review.busiest.listens, 'listen')} in one day.
        </Card>
      )}
      {review.hour && (
        <Card hue={250} icon={<Clock size={28} aria-hidden="true" />} over="Your hour" big={hourSpan(review.hour.from)}>
          {plural(review.hour.listens, 'listen')} began in it{review.weekday ? `; ${review.weekday} is your day` : ''}.
        </Card>
      )}
      <Card hue={12} icon={<Flame size={28} aria-hidden="true" />} over="Your longest run" big={count(review.streak)} unit={review.streak === 1 ? 'day' : 'days in a row'}>
        with music in each of them.
      </Card>
      {genres.length > 0 && (
        <Card hue={110} over="What it sounded like">
          <ul className="year-genres">
            {genres.map((top) => (
              <li key={top.name}>
                <Name kind="genre" top={top} />
              </li>
            ))}
          </ul>
        </Card>
      )}
    </div>
  )
}

function Card({
  hue,
  wide,
  over,
  big,
  unit,
  art,
  icon,
  children,
}: {
  /** Degrees of OKLCH: lightness stays ours, so that white is always readable on it. */
  hue: number
  wide?: boolean
  over: string
  big?: ReactNode
  unit?: string
  art?: ReactNode
  icon?: ReactNode
  children?: ReactNode
}) {
  const long = typeof big === 'string' && big.length > 8
  return (
    <section className={join('year-card', wide && 'year-wide')} style={{ '--year-h': hue } as CSSProperties}>
      {icon}
      <h2 className="year-over">{over}</h2>
      {art}
      {big && (
        <p className={join('year-big', (typeof big !== 'string' || long) && 'year-name')}>
          {big}
          {unit && <span className="year-unit"> {unit}</span>}
        </p>
      )}
      {typeof children === 'object' && !Array.isArray(children) ? children : <div className="year-more">{children}</div>}
    </section>
  )
}

function Picture({ kind, top }: { kind: 'artist' | 'release'; top: Top }) {
  return <Art id={top.id ?? top.name} art={top.art} size={200} kind={kind} round={kind === 'artist'} className="year-art" />
}

function Name({ kind, top }: { kind: TopKind; top: Top }) {
  const place = placeOf(kind, top)
  return place ? <Link to={place}>{top.name}</Link> : <>{top.name}</>
}
