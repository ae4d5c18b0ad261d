import { useVirtualizer } from '@tanstack/react-virtual'
import { GripVertical, ListMusic, ListPlus, Sparkles, Trash2, X } from 'lucide-react'
import { useEffect, useMemo, useRef, useState, type KeyboardEvent, type PointerEvent } from 'react'
import { trackMenu } from '../acts/menus'
import { newPlaylist } from '../acts/newPlaylist'
import { player, usePlayer, type QueueItem } from '../engine'
import { clock, plural, span } from '../format'
import { Bars } from '../lists/TrackRow'
import { useReorder } from '../lists/useReorder'
import { setPanel } from '../shell/panel'
import { Art } from '../ui/Art'
import { IconButton, join } from '../ui/Button'
import { openMenu } from '../ui/menus'
import { EmptyState } from '../ui/States'
import { because, Why } from './Why'

const ROW = 60
const ROW_WHY = 78

/** What was played, plays and will play. Drag by the grip, or Alt and the arrow keys. */
export function QueuePanel({ embedded }: { embedded?: boolean }) {
  const queue = usePlayer((state) => state.queue)
  const index = usePlayer((state) => state.index)
  const left = useMemo(() => queue.slice(Math.max(0, index)).reduce((sum, item) => sum + item.track.duration_ms, 0), [queue, index])
  return (
    <div className={join('queue', embedded && 'queue-embedded')}>
      <header className="queue-head">
        <div>
          <h2>{embedded ? 'Up next' : 'Queue'}</h2>
          <p className="small muted">
            {queue.length > 0 ? `${plural(queue.length, 'track')} · ${span(left)} left` : 'Nothing queued'}
          </p>
        </div>
        <span className="queue-acts">
          <IconButton
            size="s"
            label="Save as a playlist"
            icon={ListPlus}
            disabled={queue.length === 0}
            onClick={() => newPlaylist(queue.map((item) => item.track))}
          />
          <IconButton size="s" label="Clear the queue" icon={Trash2} disabled={queue.length === 0} onClick={() => player.clear()} />
          {!embedded && <IconButton size="s" label="Close the queue" icon={X} onClick={() => setPanel(false)} />}
        </span>
      </header>
      {queue.length > 0 ? (
        <Rows queue={queue} index={index} />
      ) : (
        <EmptyState icon={ListMusic} title="The queue is empty">
          Play something, and Segue goes on from there.
        </EmptyState>
      )}
      <Notice />
    </div>
  )
}

/** What Segue says about its last choice, plainly. */
function Notice() {
  const { notice, degraded, choosing, autoplay } = usePlayer((state) => ({
    notice: state.notice,
    degraded: state.degraded,
    choosing: state.choosing,
    autoplay: state.autoplay,
  }))
  const text = choosing ? 'Choosing what comes next…' : (notice ?? (degraded.length > 0 ? `Chosen with less than usual: ${degraded.join(', ')}.` : null))
  if (!text && autoplay) return null
  return (
    <p className="queue-notice small" role="status">
      <Sparkles size={14} aria-hidden="true" />
      {text ?? 'Autoplay is off: the music stops with the queue.'}
    </p>
  )
}

function Rows({ queue, index }: { queue: QueueItem[]; index: number }) {
  const [scroller, setScroller] = useState<HTMLDivElement | null>(null)
  const [list, setList] = useState<HTMLOListElement | null>(null)
  const [active, setActive] = useState(Math.max(0, index))
  const [said, setSaid] = useState('')
  const wanted = useRef<number | null>(null)
  const virtual = useVirtualizer<HTMLElement, Element>({
    count: queue.length,
    getScrollElement: () => scroller,
    estimateSize: (at) => (queue[at] && because(queue[at]) ? ROW_WHY : ROW),
    getItemKey: (at) => queue[at]?.key ?? at,
    overscan: 6,
  })
  useEffect(() => virtual.measure(), [queue, virtual])
  useEffect(() => {
    if (scroller && index >= 0) virtual.scrollToIndex(Math.max(0, index - 1), { align: 'start' })
    // A change of track scrolls; a change of the list does not.
    // eslint-disable-next-line react-hooks/exhaustive-deps
  }, [scroller, index])
  useEffect(() => {
    if (wanted.current === null) return
    const row = list?.querySelector<HTMLElement>(`[data-index="${wanted.current}"] .queue-main`)
    if (row) {
      wanted.current = null
      row.focus()
    }
  })

  const selection = { rows: EMPTY_ROWS, anchor: active, active }
  const drop = (indices: number[], to: number) => {
    const [from] = indices
    if (from !== undefined) player.move(from, to > from ? to - 1 : to)
  }
  const { grip, dropAt } = useReorder(list, virtual, 0, scroller, selection, drop)

  const goTo = (to: number) => {
    const at = Math.min(queue.length - 1, Math.max(0, to))
    setActive(at)
    wanted.current = at
    virtual.scrollToIndex(at)
  }
  const onKeyDown = (event: KeyboardEvent) => {
    const steps: Record<string, number> = { ArrowDown: 1, ArrowUp: -1, PageDown: 8, PageUp: -8, Home: -queue.length, End: queue.length }
    const step = steps[event.key]
    if (event.key === 'Delete' || event.key === 'Backspace') {
      event.preventDefault()
      const title = queue[active]?.track.title
      player.removeAt(active)
      setSaid(`${title} removed from the queue.`)
      goTo(Math.min(active, queue.length - 2))
    } else if (step !== undefined && !event.ctrlKey && !event.metaKey && !event.shiftKey) {
      event.preventDefault()
      if (event.altKey && Math.abs(step) === 1) {
        const to = active + step
        if (to < 0 || to >= queue.length) return
        player.move(active, to)
        setSaid(`${queue[active]?.track.title} moved to place ${to + 1} of ${queue.length}.`)
        goTo(to)
      } else if (!event.altKey) goTo(active + step)
    }
  }

  const focusable = Math.min(active, queue.length - 1)
  return (
    <div className="queue-scroll" ref={setScroller}>
      <ol ref={setList} className="queue-list" aria-label="Tracks in the queue" style={{ height: virtual.getTotalSize() }} onKeyDown={onKeyDown}>
        {virtual.getVirtualItems().map((row) => {
          const item = queue[row.index]
          return (
            item && (
              <li
                key={row.key}
                data-index={row.index}
                aria-setsize={queue.length}
                aria-posinset={row.index + 1}
                className={join('queue-row', row.index === index && 'queue-row-now', row.index < index && 'queue-row-past')}
                style={{ height: row.size, transform: `translateY(${row.start}px)` }}
              >
                <Row
                  item={item}
                  at={row.index}
                  now={row.index === index}
                  tabbed={row.index === focusable}
                  onGrip={grip}
                  onFocus={() => setActive(row.index)}
                />
              </li>
            )
          )
        })}
        {dropAt !== null && <li className="drop-line" aria-hidden="true" style={{ top: dropAt - 1 }} />}
      </ol>
      <span className="sr-only" role="status" aria-live="assertive">
        {said}
      </span>
    </div>
  )
}

const EMPTY_ROWS: ReadonlySet<number> = new Set()

interface RowProps {
  item: QueueItem
  at: number
  now: boolean
  /** The one row that Tab reaches. */
  tabbed: boolean
  onGrip: (event: PointerEvent, index: number) => void
  onFocus: () => void
}

function Row({ item, at, now, tabbed, onGrip, onFocus }: RowProps) {
  const { track } = item
  const status = usePlayer((state) => (now ? state.status : 'idle'))
  return (
    <>
      <span className="queue-grip" aria-hidden="true" onPointerDown={(event) => onGrip(event, at)}>
        <GripVertical size={16} />
      </span>
      <button
        type="button"
        className="queue-main"
        tabIndex={tabbed ? 0 : -1}
        aria-current={now ? 'true' : undefined}
        title={now ? undefined : `Play ${track.title}`}
        onFocus={onFocus}
        onClick={() => (now ? player.toggle() : player.jumpTo(at))}
        onContextMenu={(event) =>
          openMenu(
            event,
            track.title,
            trackMenu([track], async () => [track], {
              extra: [{ label: 'Remove from the queue', icon: Trash2, danger: true, onSelect: () => player.removeAt(at) }],
            }),
          )
        }
      >
        <span className="queue-art">
          <Art id={track.release_id ?? track.id} art={track.art} size={44} kind="track" />
          {now && (
            <span className="queue-now">
              <Bars still={status !== 'playing'} />
            </span>
          )}
        </span>
        <span className="queue-text">
          <span className="queue-title ellipsis">{track.title}</span>
          <span className="queue-artist ellipsis">{track.artist}</span>
          <Why item={item} />
        </span>
        <span className="queue-time tabular">{clock(track.duration_ms)}</span>
      </button>
      <IconButton
        size="s"
        label={`Remove ${track.title}`}
        title="Remove"
        icon={X}
        tabIndex={tabbed ? 0 : -1}
        className="queue-remove"
        onClick={() => player.removeAt(at)}
      />
    </>
  )
}
