import { ChevronLeft, ChevronRight } from 'lucide-react'
import { useId, useRef, type ReactNode } from 'react'
import { Link } from 'react-router'
import { IconButton } from '../ui/Button'

/** A row of cards that scrolls sideways. */
export function Shelf({ title, to, children }: { title: string; to?: string; children: ReactNode }) {
  const row = useRef<HTMLDivElement>(null)
  const id = useId()
  const slide = (way: 1 | -1) => {
    const box = row.current
    box?.scrollBy({ left: way * box.clientWidth * 0.85, behavior: 'smooth' })
  }
  return (
    <section className="shelf" aria-labelledby={id}>
      <div className="shelf-head">
        <h2 id={id}>{to ? <Link to={to}>{title}</Link> : title}</h2>
        <span className="shelf-arrows">
          <IconButton size="s" label={`Back through ${title}`} icon={ChevronLeft} onClick={() => slide(-1)} />
          <IconButton size="s" label={`On through ${title}`} icon={ChevronRight} onClick={() => slide(1)} />
        </span>
      </div>
      <div className="shelf-row" ref={row}>
        {children}
      </div>
    </section>
  )
}
