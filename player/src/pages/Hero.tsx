import type { CSSProperties, ReactNode } from 'react'
import { Art, type ArtKind } from '../ui/Art'
import { useTint } from '../shell/artColour'

/** The head of a page about one thing: its picture large, washed in its own colour. */
export function Hero({
  id,
  art,
  kind,
  over,
  title,
  children,
  actions,
  round,
}: {
  id: string
  art: string | null
  kind: ArtKind
  over: string
  title: string
  children?: ReactNode
  actions?: ReactNode
  round?: boolean
}) {
  const tint: CSSProperties = useTint(id, art)
  return (
    <div className="hero-box">
      <header className="hero tinted" style={tint}>
        <Art id={id} art={art} size={240} kind={kind} round={round ?? false} className="hero-art" eager />
        <div className="hero-text">
          <p className="hero-over">{over}</p>
          <h1 className={title.length > 40 ? 'hero-title hero-title-long' : 'hero-title'}>{title}</h1>
          {children && <div className="hero-meta">{children}</div>}
          {actions && <div className="hero-actions">{actions}</div>}
        </div>
      </header>
    </div>
  )
}

export function HeroSkeleton() {
  return (
    <div className="hero-box">
      <div className="hero" role="status" aria-label="Loading">
        <span className="skeleton hero-art" />
        <div className="hero-text">
          <span className="skeleton sk-line sk-short" />
          <span className="skeleton sk-title" />
          <span className="skeleton sk-line" />
        </div>
      </div>
    </div>
  )
}
