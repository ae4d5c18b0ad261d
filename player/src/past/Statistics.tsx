import { useQuery } from '@tanstack/react-query'
import { ChartColumn, Play, Sparkles } from 'lucide-react'
import { useMemo } from 'react'
import { Link, useSearchParams } from 'react-router'
import type { Stats } from '../api/types'
import { count, plural, span } from '../format'
import { playAll } from '../pages/cards'
import { useTitle } from '../shell/useTitle'
import { Button, join } from '../ui/Button'
import { Select } from '../ui/Form'
import { EmptyState, ErrorState, Loading } from '../ui/States'
import { BarChart, HeatMap, TopList, type TopKind } from './charts'
import { barsOf, periods } from './days'
import { statsQuery } from './queries'

const TOP = 10

const lists: { kind: TopKind; key: keyof Stats['top']; title: string }[] = [
  { kind: 'track', key: 'tracks', title: 'Top tracks' },
  { kind: 'artist', key: 'artists', title: 'Top artists' },
  { kind: 'release', key: 'releases', title: 'Top releases' },
  { kind: 'genre', key: 'genres', title: 'Top genres' },
]

export default function Statistics() {
  useTitle('Statistics')
  const [params, setParams] = useSearchParams()
  const period = params.get('period') ?? '30d'
  const { data: stats, error, refetch, isPlaceholderData } = useQuery(statsQuery(period, TOP))
  const years = stats?.years ?? []
  const options = periods(years)
  if (!options.some((each) => each.value === period)) options.push({ value: period, label: period })
  const year = /^\d{4}$/.test(period) ? period : years[0]?.year
  return (
    <>
      <header className="page-head">
        <div>
          <h1 className="page-title">Statistics</h1>
          <p className="page-count">{stats ? plural(stats.listens, 'listen') : ' '}</p>
        </div>
        <div className="filters">
          <Select
            bare
            label="Period"
            value={period}
            options={options}
            onChange={(event) => setParams({ period: event.currentTarget.value }, { replace: true })}
          />
          {year && years.some((each) => each.year === year) && (
            <Link className="btn btn-primary btn-s" to={`/year/${year}`}>
              <Sparkles size={16} aria-hidden="true" />
              {year} in review
            </Link>
          )}
        </div>
      </header>
      {error && !stats && <ErrorState error={error} onRetry={() => void refetch()} />}
      {!stats && !error && <Loading />}
      {stats?.listens === 0 && !isPlaceholderData && <Nothing ever={years.length > 0} onAll={() => setParams({ period: 'all' })} />}
      {stats && stats.listens > 0 && (
        <div className={join('past-numbers', isPlaceholderData && 'stale')}>
          <Numbers stats={stats} />
        </div>
      )}
    </>
  )
}

function Nothing({ ever, onAll }: { ever: boolean; onAll: () => void }) {
  if (ever) {
    return (
      <EmptyState icon={ChartColumn} title="Nothing heard in this time" action={<Button onClick={onAll}>Show all time</Button>}>
        Choose a longer period, or play something.
      </EmptyState>
    )
  }
  return (
    <EmptyState
      icon={ChartColumn}
      title="Nothing to count yet"
      action={
        <Link className="btn btn-soft" to="/history/elsewhere?show=imports">
          Bring your history along
        </Link>
      }
    >
      Play something: a listen counts when half of a track, or four minutes of it, were heard.
    </EmptyState>
  )
}

function Numbers({ stats }: { stats: Stats }) {
  const bars = useMemo(() => barsOf(stats), [stats])
  const { streak } = stats
  const tiles: [string, string, string?][] = [
    ['Listens', count(stats.listens), stats.skips ? plural(stats.skips, 'skip') : undefined],
    ['Time', span(stats.ms)],
    ['Tracks', count(stats.distinct.tracks)],
    ['Artists', count(stats.distinct.artists)],
    ['Discoveries', count(stats.discoveries.tracks), `${plural(stats.discoveries.artists, 'new artist')}`],
    ['Streak', plural(streak.current, 'day'), `longest ${plural(streak.longest, 'day')}`],
  ]
  const tracks = stats.top.tracks.flatMap((top) => top.track ?? [])
  return (
    <>
      <dl className="tiles past-tiles">
        {tiles.map(([name, value, below]) => (
          <div key={name} className="tile">
            <dt>{name}</dt>
            <dd>
              {value}
              {below && <span className="past-below">{below}</span>}
            </dd>
          </div>
        ))}
      </dl>
      <div className="past-charts">
        <section className="past-card">
          <h2>{{ day: 'By day', month: 'By month', year: 'By year' }[bars.by]}</h2>
          <BarChart bars={bars} />
        </section>
        <section className="past-card">
          <h2>When you listen</h2>
          <HeatMap hours={stats.hours} />
        </section>
      </div>
      <div className="past-tops">
        {lists.map(({ kind, key, title }) =>
          stats.top[key].length > 0 ? (
            <section key={kind} className="past-card">
              <div className="past-card-head">
                <h2>{title}</h2>
                {kind === 'track' && tracks.length > 0 && (
                  <Button size="s" icon={Play} onClick={() => playAll(() => Promise.resolve(tracks))}>
                    Play
                  </Button>
                )}
              </div>
              <TopList kind={kind} tops={stats.top[key]} />
            </section>
          ) : null,
        )}
      </div>
    </>
  )
}
