import { useVirtualizer } from '@tanstack/react-virtual'
import { useEffect, useState, type ReactNode } from 'react'
import { useOffset, useScroller, useTopOnChange } from '../shell/scroller'
import { CardSkeletons, ErrorState, Skeleton } from '../ui/States'
import type { Source } from './source'
import { columnsFor, useWidth } from './useColumns'

export interface VirtualGridProps<T> {
  source: Source<T>
  label: string
  render: (item: T) => ReactNode
  empty: ReactNode
  /** Narrowest card, and what stands under its square, in pixels. */
  minPx?: number
  captionPx?: number
}

const GAP = 20

/** Cards with a square on top, any number of them; only the rows in view exist. */
export function VirtualGrid<T extends { id: string }>({
  source,
  label,
  render,
  empty,
  minPx = 158,
  captionPx = 62,
}: VirtualGridProps<T>) {
  const [box, setBox] = useState<HTMLElement | null>(null)
  const scroller = useScroller()
  const offset = useOffset(box, scroller)
  useTopOnChange(source.key, scroller)
  const width = useWidth(box)
  const { columns, cellPx } = columnsFor(width, minPx, GAP)
  const total = source.total ?? 0
  const rowPx = cellPx + captionPx + GAP
  const virtual = useVirtualizer({
    count: width ? Math.ceil(total / columns) : 0,
    getScrollElement: () => scroller,
    estimateSize: () => rowPx,
    overscan: 3,
    scrollMargin: offset,
  })
  useEffect(() => virtual.measure(), [rowPx, virtual])

  const rows = virtual.getVirtualItems()
  const first = rows[0]?.index ?? 0
  const last = rows.at(-1)?.index ?? 0
  const { look } = source
  useEffect(() => look(first * columns, (last + 1) * columns), [look, first, last, columns])

  const waiting = source.total === null
  return (
    <div ref={setBox} className="vgrid">
      {waiting && (source.error ? <ErrorState error={source.error} onRetry={source.retry} /> : <CardSkeletons />)}
      {source.total === 0 && empty}
      {total > 0 && (
        <div className="vgrid-rows" role="list" aria-label={label} style={{ height: virtual.getTotalSize() }}>
          {rows.map((row) => (
            <div
              key={row.key}
              role="none"
              className="vgrid-row"
              style={{
                transform: `translateY(${row.start - offset}px)`,
                gridTemplateColumns: `repeat(${columns}, minmax(0, 1fr))`,
              }}
            >
              {Array.from({ length: Math.min(columns, total - row.index * columns) }, (_, column) => {
                const index = row.index * columns + column
                const item = source.get(index)
                return (
                  <div role="listitem" key={item?.id ?? index} aria-setsize={total} aria-posinset={index + 1}>
                    {item ? render(item) : <CardSkeleton />}
                  </div>
                )
              })}
            </div>
          ))}
        </div>
      )}
    </div>
  )
}

function CardSkeleton() {
  return (
    <div className="card">
      <Skeleton className="sk-square" />
      <Skeleton className="sk-line" />
    </div>
  )
}
