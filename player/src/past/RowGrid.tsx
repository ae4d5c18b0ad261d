import { useVirtualizer } from '@tanstack/react-virtual'
import { useCallback, useEffect, useState, type KeyboardEvent, type ReactNode } from 'react'
import { useOffset, useScroller, useTopOnChange } from '../shell/scroller'

const ROW = 60
const HEADING = 52

/** What a row puts on its own element. */
export interface RowProps {
  role: 'row'
  'aria-rowindex': number
  'data-index': number
  tabIndex: number
  onFocus: () => void
}

export interface RowGridProps {
  /** Another value means another list: it is shown from its top. */
  listKey: string
  label: string
  count: number
  /** False where more rows are to come. */
  whole: boolean
  isHeading?: (index: number) => boolean
  render: (index: number, props: RowProps) => ReactNode
  /** `end` exclusive. */
  onLook: (start: number, end: number) => void
  onEnter: (index: number) => void
  onDelete?: (index: number) => void
}

const never = () => false

/** Rows of any number under headings, walked with the arrow keys; one of them at a time is in the order of Tab. */
export function RowGrid({
  listKey,
  label,
  count,
  whole,
  isHeading = never,
  render,
  onLook,
  onEnter,
  onDelete,
}: RowGridProps) {
  const [grid, setGrid] = useState<HTMLElement | null>(null)
  const scroller = useScroller()
  const offset = useOffset(grid, scroller)
  useTopOnChange(listKey, scroller)
  const [chosen, setChosen] = useState(0)
  const virtual = useVirtualizer({
    count,
    getScrollElement: () => scroller,
    estimateSize: (index) => (isHeading(index) ? HEADING : ROW),
    overscan: 10,
    scrollMargin: offset,
  })
  useEffect(() => virtual.measure(), [virtual, listKey, count, isHeading])
  const rows = virtual.getVirtualItems()
  const first = rows[0]?.index ?? 0
  const end = (rows.at(-1)?.index ?? -1) + 1
  useEffect(() => onLook(first, end), [onLook, first, end])

  const focusRow = useCallback(
    (index: number) => {
      setChosen(index)
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

  /** The row at `index`, or the nearest one that is no heading. */
  const nearest = (index: number, step: 1 | -1) => {
    let at = Math.max(0, Math.min(count - 1, index))
    while (at >= 0 && at < count && isHeading(at)) at += step
    if (at >= 0 && at < count) return at
    at = Math.max(0, Math.min(count - 1, index))
    while (at >= 0 && at < count && isHeading(at)) at -= step
    return at
  }
  const settled = Math.min(chosen, count - 1)
  const active = nearest(settled >= first && settled < end ? settled : first, 1)

  const onKeyDown = (event: KeyboardEvent) => {
    if (!(event.target instanceof HTMLElement) || event.target.getAttribute('role') !== 'row') return
    const page = Math.max(1, Math.floor((scroller?.clientHeight ?? 600) / ROW) - 1)
    const to: Record<string, [number, 1 | -1]> = {
      ArrowDown: [active + 1, 1],
      ArrowUp: [active - 1, -1],
      Home: [0, 1],
      End: [count - 1, -1],
      PageDown: [active + page, 1],
      PageUp: [active - page, -1],
    }
    const step = to[event.key]
    if (event.altKey || event.ctrlKey || event.metaKey) return
    if (step) focusRow(nearest(...step))
    else if (event.key === 'Enter') onEnter(active)
    else if (event.key === 'Delete' && onDelete) onDelete(active)
    else return
    event.preventDefault()
    event.stopPropagation()
  }

  return (
    // The rows take focus, one at a time.
    // eslint-disable-next-line jsx-a11y/interactive-supports-focus
    <div
      ref={setGrid}
      role="grid"
      aria-label={label}
      aria-rowcount={whole ? count : -1}
      className="table past-table"
      style={{ height: virtual.getTotalSize() }}
      onKeyDown={onKeyDown}
    >
      {rows.map((row) => (
        <div
          key={row.key}
          role="rowgroup"
          className="table-slot"
          style={{ transform: `translateY(${row.start - offset}px)` }}
        >
          {render(row.index, {
            role: 'row',
            'aria-rowindex': row.index + 1,
            'data-index': row.index,
            tabIndex: row.index === active ? 0 : -1,
            onFocus: () => setChosen(row.index),
          })}
        </div>
      ))}
    </div>
  )
}
