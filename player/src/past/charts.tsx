/** Pictures of numbers, drawn with the page's own boxes. Each has a table beside it that is only read out. */
import { Fragment } from 'react'
import { Link } from 'react-router'
import type { Top } from '../api/types'
import { count, plural, span } from '../format'
import { Art, type ArtKind } from '../ui/Art'
import { ceiling, heat, hourSpan, WEEKDAYS, type Bars } from './days'

const UNIT = { day: 'Day', month: 'Month', year: 'Year' }

export function BarChart({ bars: { by, bars } }: { bars: Bars }) {
  const top = ceiling(Math.max(0, ...bars.map((bar) => bar.listens)))
  const title = `Listens by ${by}`
  return (
    <figure className="chart">
      <figcaption className="sr-only">{title}</figcaption>
      <div className="chart-plot" aria-hidden="true">
        <div className="chart-axis tabular">
          <span>{count(top)}</span>
          <span>{top >= 2 && top % 2 === 0 ? count(top / 2) : ''}</span>
          <span>0</span>
        </div>
        <div className="chart-bars">
          {bars.map((bar) => (
            <div key={bar.key} className="chart-slot" title={`${bar.name}: ${plural(bar.listens, 'listen')}, ${span(bar.ms)}`}>
              <span className="chart-bar" style={{ height: `${(bar.listens / top) * 100}%` }} />
            </div>
          ))}
        </div>
        <div className="chart-labels">
          {bars.map((bar) => (
            <span key={bar.key} className="chart-label">
              <span>{bar.label}</span>
            </span>
          ))}
        </div>
      </div>
      <div className="sr-only">
        <table>
          <caption>{title}</caption>
          <thead>
            <tr>
              <th scope="col">{UNIT[by]}</th>
              <th scope="col">Listens</th>
              <th scope="col">Time</th>
            </tr>
          </thead>
          <tbody>
            {bars.map((bar) => (
              <tr key={bar.key}>
                <th scope="row">{bar.name}</th>
                <td>{bar.listens}</td>
                <td>{span(bar.ms)}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </figure>
  )
}

const HOURS = Array.from({ length: 24 }, (_, hour) => hour)

/** `hours`: 168 numbers, Monday midnight first. */
export function HeatMap({ hours }: { hours: number[] }) {
  const most = Math.max(0, ...hours)
  const title = 'Listens by weekday and hour'
  return (
    <figure className="heat">
      <figcaption className="sr-only">{title}</figcaption>
      <div className="heat-grid" aria-hidden="true">
        {WEEKDAYS.map((day, row) => (
          <Fragment key={day}>
            <span className="heat-day">{day.slice(0, 3)}</span>
            {HOURS.map((hour) => {
              const listens = hours[row * 24 + hour] ?? 0
              return (
                <span
                  key={hour}
                  className={`heat-cell heat-${heat(listens, most)}`}
                  title={`${day}, ${hourSpan(hour)}: ${plural(listens, 'listen')}`}
                />
              )
            })}
          </Fragment>
        ))}
        <span />
        {HOURS.map((hour) => (
          <span key={hour} className="heat-hour tabular">
            {hour % 6 === 0 ? String(hour).padStart(2, '0') : ''}
          </span>
        ))}
      </div>
      <div className="heat-key small faint" aria-hidden="true">
        Fewer
        {[0, 1, 2, 3, 4].map((step) => (
          <span key={step} className={`heat-cell heat-${step}`} />
        ))}
        More
      </div>
      <div className="sr-only">
        <table>
          <caption>{title}</caption>
          <thead>
            <tr>
              <th scope="col">Hour</th>
              {WEEKDAYS.map((day) => (
                <th scope="col" key={day}>
                  {day}
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {HOURS.map((hour) => (
              <tr key={hour}>
                <th scope="row">{hourSpan(hour)}</th>
                {WEEKDAYS.map((day, row) => (
                  <td key={day}>{hours[row * 24 + hour] ?? 0}</td>
                ))}
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </figure>
  )
}

/** Where a thing of a top list lives; null where it has no page. */
export function placeOf(kind: TopKind, top: Top): string | null {
  if (kind === 'genre') return `/genre?name=${encodeURIComponent(top.name)}`
  if (kind === 'track') return top.track?.release_id ? `/releases/${top.track.release_id}?track=${top.track.id}` : null
  if (!top.id) return null
  return kind === 'artist' ? `/artists/${top.id}` : `/releases/${top.id}`
}

export type TopKind = 'track' | 'artist' | 'release' | 'genre'

const ART: Record<Exclude<TopKind, 'genre'>, ArtKind> = { track: 'track', artist: 'artist', release: 'release' }

/** A ranking; the bars compare with the first. */
export function TopList({ kind, tops }: { kind: TopKind; tops: Top[] }) {
  const most = Math.max(1, ...tops.map((top) => top.listens))
  return (
    <ol className="tops">
      {tops.map((top, index) => {
        const place = placeOf(kind, top)
        return (
          <li key={top.id ?? top.external_id ?? `${top.name} ${index}`} className="top">
            <span className="top-rank tabular" aria-hidden="true">
              {index + 1}
            </span>
            {kind !== 'genre' && (
              <Art
                id={top.track?.release_id ?? top.id ?? top.name}
                art={top.art}
                size={40}
                kind={ART[kind]}
                round={kind === 'artist'}
              />
            )}
            <span className="top-text">
              <span className="top-line">
                <span className="top-name ellipsis">
                  {place ? <Link to={place}>{top.name}</Link> : top.name}
                  {top.artist && <span className="muted small"> {top.artist}</span>}
                </span>
                <span className="small muted tabular" title={span(top.ms)}>
                  <span className="sr-only">: </span>
                  {count(top.listens)}
                  <span className="sr-only"> {top.listens === 1 ? 'listen' : 'listens'}</span>
                </span>
              </span>
              <span className="top-track" aria-hidden="true">
                <span className="top-bar" style={{ width: `${(top.listens / most) * 100}%` }} />
              </span>
            </span>
          </li>
        )
      })}
    </ol>
  )
}
