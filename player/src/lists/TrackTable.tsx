import { useVirtualizer } from '@tanstack/react-virtual'
import { useCallback, useEffect, useMemo, useRef, useState, type KeyboardEvent, type MouseEvent, type ReactNode } from 'react'
import { trackMenu } from '../acts/menus'
import type { EventContext, Track } from '../api/types'
import { player } from '../engine'
import { useOffset, useScroller, useTopOnChange } from '../shell/scroller'
import { openMenu, type MenuItem } from '../ui/menus'
import { ErrorState, RowSkeletons, Skeleton } from '../ui/States'
import { toast } from '../ui/toasts'
import { ActionBar } from './ActionBar'
import * as pick from './selection'
import type { Source } from './source'
import { TrackRow, type TrackTableKind } from './TrackRow'
import { useWidth } from './useColumns'
import { useReorder } from './useReorder'

function TableHead({ kind }: { kind: TrackTableKind }) {
  return (
    <div role="rowgroup">
      <div role="row" className={`row row-${kind} row-head`}>
        <span role="columnheader" className="cell-number">
          #
        </span>
        <span role="columnheader">Title</span>
        {kind !== 'release' && (
          <span role="columnheader" className="cell-release">
            Release
          </span>
        )}
        {kind === 'sound' && (
          <>
            <span role="columnheader" className="cell-sound">
              BPM
            </span>
            <span role="columnheader" className="cell-sound">
              Key
            </span>
            <span role="columnheader" className="cell-sound">
              Energy
            </span>
          </>
        )}
        <span role="columnheader" className="cell-plays">
          Plays
        </span>
        <span role="columnheader" className="cell-like">
          <span className="sr-only">Liked</span>
        </span>
        <span role="columnheader" className="cell-time">
          Time
        </span>
        <span role="columnheader" className="cell-menu">
          <span className="sr-only">More</span>
        </span>
      </div>
    </div>
  )
}

export interface TrackTableProps {
  source: Source<Track>
  label: string
  kind?: TrackTableKind
  /** Written into each play's event. */
  context?: EventContext
  /** A line above the row at this index: a disc's title. */
  headings?: Map<number, string>
  empty?: ReactNode
  /** The row that is meant: it is selected and in view from the start. */
  meant?: number | undefined
  /** Moves the rows at these indices before row `to`. Turns on dragging and Alt with the arrow keys. */
  onReorder?: (indices: number[], to: number) => void
  onRemove?: (indices: number[]) => void
}

const ROW = 56
const HEADING = 52
/** The columns' names stand over wide tables only. */
const HEAD = 36
const WIDE = 620
/** Playing a row of a long list queues this many from there on. */
const QUEUED = 500

/** On a touch screen a selection opens the bar of acts, which nobody asked for. */
function startAt(meant: number | undefined): pick.Selection {
  if (meant === undefined) return pick.EMPTY
  return matchMedia('(pointer: coarse)').matches ? { ...pick.EMPTY, active: meant } : pick.only(meant)
}

/** Tracks as a grid that keyboards, pointers and screen readers can walk, select in and act on; any number of rows. */
export function TrackTable({ source, label, kind = 'list', context, headings, empty, meant, onReorder, onRemove }: TrackTableProps) {
  const [grid, setGrid] = useState<HTMLElement | null>(null)
  const scroller = useScroller()
  const offset = useOffset(grid, scroller)
  useTopOnChange(source.key, scroller)
  const total = source.total ?? 0
  const [selection, setSelection] = useState(() => startAt(meant))
  const [listed, setListed] = useState(source.key)
  if (listed !== source.key) {
    setListed(source.key)
    setSelection(pick.EMPTY)
  }
  const { look } = source
  const width = useWidth(grid)
  const head = width > WIDE ? HEAD : 0

  const virtual = useVirtualizer({
    count: total,
    getScrollElement: () => scroller,
    estimateSize: (index) => ROW + (headings?.has(index) ? HEADING : 0),
    overscan: 10,
    scrollMargin: offset,
    paddingStart: head,
  })
  useEffect(() => virtual.measure(), [virtual, headings])
  const rows = virtual.getVirtualItems()
  const first = rows[0]?.index ?? 0
  const last = rows.at(-1)?.index ?? 0
  useEffect(() => look(first, last + 1), [look, first, last])

  const focusRow = useCallback(
    (index: number) => {
      virtual.scrollToIndex(index, { align: 'auto' })
      // A row far away exists a few frames later.
      let tries = 0
      const find = () => {
        const row = grid?.querySelector<HTMLElement>(`[data-index="${index}"]`)
        if (row) row.focus({ preventScroll: true })
        else if ((tries += 1) < 40) requestAnimationFrame(find)
      }
      requestAnimationFrame(find)
    },
    [virtual, grid],
  )

  const [shown, setShown] = useState(meant === undefined)
  useEffect(() => {
    if (shown || meant === undefined || !grid || offset === 0) return
    virtual.scrollToIndex(meant, { align: 'center' })
    setShown(true)
  }, [shown, meant, grid, offset, virtual])

  const play = useCallback(
    async (index: number) => {
      const from = total > QUEUED ? Math.max(0, index - 20) : 0
      const wanted = Array.from({ length: Math.min(total - from, QUEUED) }, (_, step) => from + step)
      try {
        const tracks = await source.load(wanted)
        const chosen = source.get(index)
        const playable = tracks.filter((track) => !track.missing || track.id === chosen?.id)
        const at = chosen ? playable.indexOf(chosen) : 0
        player.playTracks(playable, Math.max(0, at), context)
      } catch (error) {
        toast(error instanceof Error ? error.message : 'That could not be played.', { tone: 'bad' })
      }
    },
    [source, total, context],
  )

  const acts = useMemo(() => ({ onRemove, context }), [onRemove, context])
  const menuFor = useCallback(
    async (event: MouseEvent, index: number) => {
      const track = source.get(index)
      if (!track) return
      const indices = pick.target(selection, index)
      const extra: MenuItem[] = [
        {
          label: selection.rows.has(index) ? 'Deselect' : 'Select',
          hint: 'Ctrl click',
          onSelect: () => setSelection(pick.toggle(selection, index)),
        },
      ]
      const many = indices.length > 1
      const tracks = many ? indices.flatMap((each) => source.get(each) ?? []) : [track]
      const load = many ? () => source.load(indices) : () => Promise.resolve([track])
      const remove = acts.onRemove && (() => acts.onRemove?.(indices))
      openMenu(
        event,
        many ? `${indices.length} tracks` : track.title,
        trackMenu(tracks, load, { context: acts.context, remove, extra }),
      )
    },
    [source, selection, acts],
  )

  const { grip, dropAt, moveBy } = useReorder(grid, virtual, offset, scroller, selection, onReorder)

  const onKeyDown = (event: KeyboardEvent) => {
    if (!(event.target instanceof HTMLElement) || event.target.getAttribute('role') !== 'row') return
    const at = selection.active
    const page = Math.max(1, Math.floor((scroller?.clientHeight ?? 600) / ROW) - 1)
    const to: Record<string, number> = {
      ArrowDown: at + 1,
      ArrowUp: at - 1,
      Home: 0,
      End: total - 1,
      PageDown: at + page,
      PageUp: at - page,
    }
    const command = event.ctrlKey || event.metaKey
    const step = to[event.key]
    if (event.altKey && onReorder && (event.key === 'ArrowUp' || event.key === 'ArrowDown')) {
      const next = moveBy(event.key === 'ArrowUp' ? -1 : 1)
      if (next) {
        setSelection(next)
        focusRow(next.active)
      }
    } else if (step !== undefined && !event.altKey) {
      const next = pick.move(selection, step, total, event)
      setSelection(next)
      focusRow(next.active)
    } else if (command && event.key.toLowerCase() === 'a') setSelection(pick.all(total, at))
    else if (command && event.key === ' ') setSelection(pick.toggle(selection, at))
    else if (event.key === 'Enter') void play(at)
    else if (event.key === 'Escape' && selection.rows.size > 0) setSelection({ ...selection, rows: new Set() })
    else if ((event.key === 'Delete' || event.key === 'Backspace') && onRemove) onRemove(pick.target(selection, at))
    else return
    event.preventDefault()
    event.stopPropagation()
  }

  const coarse = matchMedia('(pointer: coarse)').matches
  const onClick = (event: MouseEvent, index: number) => {
    if (coarse && selection.rows.size === 0) void play(index)
    else if (coarse) setSelection(pick.toggle(selection, index))
    else setSelection(pick.click(selection, index, event))
  }

  // Rows are kept as they are while one scrolls: what they call stays the same, and finds the present here.
  const present = useRef({ onClick, play, menuFor })
  useEffect(() => {
    present.current = { onClick, play, menuFor }
  })
  const [steady] = useState(() => ({
    onClick: (event: MouseEvent, index: number) => present.current.onClick(event, index),
    onPlay: (index: number) => void present.current.play(index),
    onMenu: (event: MouseEvent, index: number) => void present.current.menuFor(event, index),
    onFocus: (index: number) => setSelection((old) => (old.active === index ? old : { ...old, active: index })),
  }))

  if (source.total === null) {
    return source.error ? <ErrorState error={source.error} onRetry={source.retry} /> : <RowSkeletons />
  }
  if (total === 0) return <>{empty}</>
  const active = Math.min(selection.active, total - 1)
  const activeShown = active >= first && active <= last ? active : first
  return (
    <>
      {/* The rows take focus, one at a time. */}
      {/* eslint-disable-next-line jsx-a11y/interactive-supports-focus */}
      <div
        ref={setGrid}
        role="grid"
        aria-label={label}
        aria-rowcount={total}
        aria-multiselectable="true"
        className={`table table-${kind}`}
        style={{ height: virtual.getTotalSize() }}
        onKeyDown={onKeyDown}
      >
        {head > 0 && <TableHead kind={kind} />}
        {rows.map((row) => {
          const track = source.get(row.index)
          const heading = headings?.get(row.index)
          return (
            <div
              key={row.key}
              role="rowgroup"
              className="table-slot"
              style={{ transform: `translateY(${row.start - offset}px)` }}
            >
              {heading && (
                <div role="row" className="table-heading">
                  <span role="rowheader">{heading}</span>
                </div>
              )}
              {track ? (
                <TrackRow
                  track={track}
                  index={row.index}
                  kind={kind}
                  selected={selection.rows.has(row.index)}
                  active={row.index === activeShown}
                  onClick={steady.onClick}
                  onPlay={steady.onPlay}
                  onMenu={steady.onMenu}
                  onFocus={steady.onFocus}
                  onGrip={onReorder ? grip : undefined}
                />
              ) : (
                <div role="row" className={`row row-${kind}`} aria-rowindex={row.index + 1}>
                  <span role="gridcell" className="cell-number tabular">
                    {row.index + 1}
                  </span>
                  <span role="gridcell" className="cell-title">
                    <Skeleton className="sk-line" />
                    <span className="sr-only">Loading</span>
                  </span>
                </div>
              )}
            </div>
          )
        })}
        {dropAt !== null && <div role="none" className="drop-line" style={{ transform: `translateY(${dropAt}px)` }} />}
      </div>
      {selection.rows.size > (coarse ? 0 : 1) && (
        <ActionBar
          count={selection.rows.size}
          load={() => source.load(selection.rows)}
          context={context}
          onRemove={
            onRemove &&
            (() => {
              onRemove([...selection.rows].sort((a, b) => a - b))
              setSelection(pick.EMPTY)
            })
          }
          onAll={() => setSelection(pick.all(total, active))}
          onClear={() => setSelection({ ...selection, rows: new Set() })}
        />
      )}
    </>
  )
}
