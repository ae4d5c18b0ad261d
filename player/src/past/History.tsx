import { useInfiniteQuery } from '@tanstack/react-query'
import { CalendarClock, Disc3, EllipsisVertical, History as HistoryIcon, Import, Link2, Mic2, Music, Play, SearchX, Shuffle, Trash2 } from 'lucide-react'
import { useCallback, useMemo, useState, type MouseEvent } from 'react'
import { Link, useSearchParams } from 'react-router'
import type { Listen, Track } from '../api/types'
import { player, usePlayer } from '../engine'
import { plural } from '../format'
import { Credits } from '../lists/Credits'
import { Bars } from '../lists/TrackRow'
import { go } from '../shell/navigation'
import { useTitle } from '../shell/useTitle'
import { Art } from '../ui/Art'
import { IconButton, join } from '../ui/Button'
import { openMenu, type MenuItem } from '../ui/menus'
import { EmptyState, ErrorState, RowSkeletons } from '../ui/States'
import { toast } from '../ui/toasts'
import { correctListen, deleteListen, matchExternal, nameOf } from './acts'
import { ChangeTime } from './ChangeTime'
import { byDay, dayName, ending, timeOfDay, type Entry } from './days'
import { FindTrack, type FindTrackProps } from './FindTrack'
import { listensQuery } from './queries'
import { RowGrid, type RowProps } from './RowGrid'
import { SearchField } from './SearchField'

/** More is asked for when so few rows are left below. */
const AHEAD = 30

export default function History() {
  useTitle('History')
  const [params, setParams] = useSearchParams()
  const q = params.get('q')?.trim() ?? ''
  const { data, error, refetch, hasNextPage, isFetchingNextPage, isPlaceholderData, fetchNextPage } = useInfiniteQuery(
    listensQuery(q),
  )
  const entries = useMemo(() => byDay(data?.pages.flatMap((page) => page.items) ?? []), [data])
  const total = data?.pages[0]?.total
  return (
    <>
      <header className="page-head">
        <div>
          <h1 className="page-title">History</h1>
          <p className="page-count">{total === undefined ? ' ' : plural(total, 'listen')}</p>
        </div>
        <div className="filters past-filters">
          <SearchField
            label="Search your history"
            value={q}
            onSought={(text) => setParams(text ? { q: text } : {}, { replace: true })}
          />
          <Link className="btn btn-soft btn-s" to="/history/elsewhere">
            <Import size={16} aria-hidden="true" />
            Heard elsewhere
          </Link>
        </div>
      </header>
      {error && !data && <ErrorState error={error} onRetry={() => void refetch()} />}
      {!data && !error && <RowSkeletons />}
      {data && entries.length === 0 && !isPlaceholderData && <Nothing q={q} />}
      {entries.length > 0 && (
        <div className={isPlaceholderData ? 'stale' : undefined}>
          <Listens
            listKey={q}
            entries={entries}
            whole={!hasNextPage}
            more={() => {
              if (hasNextPage && !isFetchingNextPage && !isPlaceholderData) void fetchNextPage()
            }}
          />
        </div>
      )}
    </>
  )
}

function Nothing({ q }: { q: string }) {
  if (q) {
    return (
      <EmptyState icon={SearchX} title={`Nothing heard like “${q}”`}>
        Words of a title or an artist find it.
      </EmptyState>
    )
  }
  return (
    <EmptyState
      icon={HistoryIcon}
      title="Nothing heard yet"
      action={
        <Link className="btn btn-soft" to="/history/elsewhere">
          What was heard elsewhere
        </Link>
      }
    >
      What you play appears here, day by day. Private listening is never kept.
    </EmptyState>
  )
}

function Listens({
  listKey,
  entries,
  whole,
  more,
}: {
  listKey: string
  entries: Entry[]
  whole: boolean
  more: () => void
}) {
  const [finding, setFinding] = useState<FindTrackProps | null>(null)
  const [timing, setTiming] = useState<Listen | null>(null)
  const isHeading = useCallback((index: number) => !entries[index]?.listen, [entries])
  const play = (listen: Listen) => {
    if (listen.track && !listen.track.missing) player.playTracks([listen.track], 0)
    else toast('It is not in the library.')
  }
  const match = (listen: Listen) => {
    const { external } = listen
    if (!external) return
    setFinding({
      title: `Which track is “${external.title}”?`,
      words: external.title,
      onChosen: (track) => void matchExternal(external, track),
    })
  }
  const menuOf = (listen: Listen): MenuItem[] => [
    ...aboutTrack(listen.track, () => play(listen)),
    ...(listen.external?.type === 'track'
      ? [{ label: 'Match…', icon: Link2, onSelect: () => match(listen) }]
      : []),
    {
      label: 'It was another track…',
      icon: Shuffle,
      onSelect: () =>
        setFinding({
          title: 'Which track was it?',
          words: listen.track?.title ?? listen.external?.title ?? '',
          onChosen: (track) => void correctListen(listen, { track }),
        }),
    },
    { label: 'Change the time…', icon: CalendarClock, onSelect: () => setTiming(listen) },
    { kind: 'separator' },
    { label: 'Delete from history', icon: Trash2, danger: true, onSelect: () => void deleteListen(listen) },
  ]
  const at = (index: number) => entries[index]?.listen
  return (
    <>
      <RowGrid
        listKey={listKey}
        label="History"
        count={entries.length}
        whole={whole}
        isHeading={isHeading}
        onLook={(_, end) => {
          if (end > entries.length - AHEAD) more()
        }}
        onEnter={(index) => {
          const listen = at(index)
          if (listen?.track) play(listen)
          else if (listen?.external) match(listen)
        }}
        onDelete={(index) => {
          const listen = at(index)
          if (listen) void deleteListen(listen)
        }}
        render={(index, props) => {
          const entry = entries[index]
          if (!entry) return null
          if (!entry.listen) {
            return (
              <div role="row" className="table-heading">
                <span role="rowheader">{dayName(entry.day)}</span>
              </div>
            )
          }
          const { listen } = entry
          return (
            <Row
              listen={listen}
              props={props}
              onPlay={() => play(listen)}
              onMatch={() => match(listen)}
              onMenu={(event) => openMenu(event, nameOf(listen), menuOf(listen))}
            />
          )
        }}
      />
      <FindTrack asked={finding} onClose={() => setFinding(null)} />
      <ChangeTime
        listen={timing}
        onClose={() => setTiming(null)}
        onChosen={(listen, when) => void correctListen(listen, { at: when })}
      />
    </>
  )
}

function aboutTrack(track: Track | null, play: () => void): MenuItem[] {
  if (!track) return []
  const items: MenuItem[] = [{ label: 'Play', icon: Play, disabled: track.missing, onSelect: play }]
  const { release_id: release } = track
  if (release) {
    items.push(
      { label: 'Go to track', icon: Music, onSelect: () => go(`/releases/${release}?track=${track.id}`) },
      { label: 'Go to release', icon: Disc3, onSelect: () => go(`/releases/${release}`) },
    )
  }
  for (const credit of track.artists.slice(0, 3)) {
    const label = track.artists.length > 1 ? `Go to ${credit.name}` : 'Go to artist'
    items.push({ label, icon: Mic2, onSelect: () => go(`/artists/${credit.id}`) })
  }
  return [...items, { kind: 'separator' }]
}

function Row({
  listen,
  props,
  onPlay,
  onMatch,
  onMenu,
}: {
  listen: Listen
  props: RowProps
  onPlay: () => void
  onMatch: () => void
  onMenu: (event: MouseEvent) => void
}) {
  const { track, external } = listen
  const sounding = usePlayer((state) => (track && state.current?.track.id === track.id ? state.status : null))
  const end = ending(listen)
  const coarse = matchMedia('(pointer: coarse)').matches
  return (
    // Keys are handled once, on the grid around the rows.
    // eslint-disable-next-line jsx-a11y/click-events-have-key-events
    <div
      {...props}
      role="row"
      tabIndex={props.tabIndex}
      className={join('row', 'row-past', !track && 'row-elsewhere', sounding && 'row-playing')}
      onClick={coarse && track ? onPlay : undefined}
      onDoubleClick={track ? onPlay : undefined}
      onContextMenu={onMenu}
    >
      <span role="gridcell" className="cell-title">
        <span className="past-art">
          <Art
            id={track?.release_id ?? track?.id ?? external?.id ?? listen.id}
            art={track?.art}
            size={40}
            kind="track"
          />
          {track && !track.missing && (
            <button
              type="button"
              tabIndex={-1}
              className="past-play"
              aria-label={`Play ${track.title}`}
              onClick={(event) => {
                event.stopPropagation()
                onPlay()
              }}
            >
              <Play size={16} fill="currentColor" aria-hidden="true" />
            </button>
          )}
        </span>
        <span className="cell-text">
          <span className="row-title ellipsis">
            {sounding && <Bars still={sounding !== 'playing'} />} {track?.title ?? external?.title ?? 'Not here any more'}
          </span>
          <span className="row-artist ellipsis">
            {track ? <Credits artists={track.artists} text={track.artist} inert /> : external?.artist}
            {end && <span className="past-inline"> · {end}</span>}
          </span>
        </span>
      </span>
      <span role="gridcell" className="past-outcome ellipsis">
        {end}
        {listen.imported && <span className="badge">Imported</span>}
      </span>
      <span role="gridcell" className="past-client ellipsis">
        {listen.client === 'segue-player' ? 'Segue' : listen.client}
      </span>
      <span role="gridcell" className="past-match">
        {external?.type === 'track' && !track && (
          <button
            type="button"
            tabIndex={-1}
            className="btn btn-soft btn-s"
            aria-label={`Match ${external.title}`}
            onClick={(event) => {
              event.stopPropagation()
              onMatch()
            }}
          >
            Match…
          </button>
        )}
      </span>
      <span role="gridcell" className="cell-time tabular">
        <time dateTime={listen.listened_at} title={new Date(listen.listened_at).toLocaleString()}>
          {timeOfDay(listen.listened_at)}
        </time>
      </span>
      <span role="gridcell" className="cell-menu">
        <IconButton
          size="s"
          tabIndex={-1}
          label={`More for ${nameOf(listen)}`}
          title="More"
          icon={EllipsisVertical}
          onClick={onMenu}
        />
      </span>
    </div>
  )
}
