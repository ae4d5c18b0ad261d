import { useLayoutEffect, useState } from 'react'

/** Columns of at least `minPx` that fit, and the width each then has. Follows the element's size. */
export function columnsFor(widthPx: number, minPx: number, gapPx: number): { columns: number; cellPx: number } {
  const columns = Math.max(2, Math.floor((widthPx + gapPx) / (minPx + gapPx)))
  return { columns, cellPx: (widthPx - gapPx * (columns - 1)) / columns }
}

export function useWidth(element: HTMLElement | null): number {
  const [width, setWidth] = useState(0)
  useLayoutEffect(() => {
    if (!element) return
    const observer = new ResizeObserver(([entry]) => entry && setWidth(Math.round(entry.contentRect.width)))
    setWidth(Math.round(element.getBoundingClientRect().width))
    observer.observe(element)
    return () => observer.disconnect()
  }, [element])
  return width
}
