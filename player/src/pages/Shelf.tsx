import { ChevronLeft, ChevronRight } from 'lucide-react'
import { useId, useLayoutEffect, useRef, useState, type ReactNode } from 'react'
import { Link } from 'react-router'
import { IconButton } from '../ui/Button'

/** A row of cards that scrolls sideways. */
export function Shelf({ title, to, children }: { title: string; to?: string; children: ReactNode }) {
  const row = useRef<HTMLDivElement>(null)
  const [slides, setSlides] = useState(false)
  useLayoutEffect(() => {
    const box = row.current
    if (!box) return
    const measure = () => setSlides(box.scrollWidth > box.clientWidth + 1)
    measure()
    const observer = new ResizeObserver(measure)
    observer.observe(box)
    return () => observer.disconnect()
  }, [children])
  const id = useId()
  const slide = (way: 1 | -1) => {
    const box = row.current
    box?.scrollBy({ left: way * box.clientWidth * 0.85, behavior: 'smooth' })
  }
  return (
    <section className="shelf" aria-labelledby={id}>
      <div className="shelf-head">
        <h2 id={id}>{to ? <Link to={to}>{title}</Link> : title}</h2>
        {slides && (
          <span className="shelf-arrows">
            <IconButton size="s" label={`Back through ${title}`} icon={ChevronLeft} onClick={() => slide(-1)} />
            <IconButton size="s" label={`On through ${title}`} icon={ChevronRight} onClick={() => slide(1)} />
          </span>
        )}
      </div>
      <div className="shelf-row" ref={row}>
        {children}
      </div>
    </section>
  )
}
