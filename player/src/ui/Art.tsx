import { Disc3, Folder, ListMusic, Mic2, Music, type LucideIcon } from 'lucide-react'
import { useState, type CSSProperties } from 'react'
import { artUrl } from '../api/base'
import { gradientOf } from './gradient'
import { join } from './Button'

const icons: Record<ArtKind, LucideIcon> = { track: Music, release: Disc3, artist: Mic2, playlist: ListMusic, folder: Folder }

export type ArtKind = 'track' | 'release' | 'artist' | 'playlist' | 'folder'

export interface ArtProps {
  /** What the placeholder's colours derive from. */
  id: string
  art: string | null | undefined
  /** Shown edge in CSS pixels: chooses the picture's size; the layout decides the real one. */
  size: number
  kind?: ArtKind
  /** Read out; '' where the name stands beside it. */
  alt?: string
  round?: boolean
  className?: string
  eager?: boolean
}

const STEPS = [64, 128, 256, 512, 1024]

/** The smallest step that fills `px` on this screen, so that few sizes are ever asked for. */
export function artStep(px: number, ratio = globalThis.devicePixelRatio || 1): number {
  const wanted = px * Math.min(ratio, 2)
  return STEPS.find((step) => step >= wanted) ?? 1024
}

/** A picture, or a gradient that is always the same for the same id. */
export function Art({ id, art, size, kind = 'release', alt = '', round, className, eager }: ArtProps) {
  const [failed, setFailed] = useState<string | null>(null)
  const url = artUrl(art, artStep(size))
  const Icon = icons[kind]
  return (
    <span
      className={join('art', round && 'art-round', className)}
      style={gradientOf(id) as CSSProperties}
      {...(!url || failed === url ? (alt ? { role: 'img', 'aria-label': alt } : { 'aria-hidden': true }) : {})}
    >
      {url && failed !== url ? (
        <img
          src={url}
          alt={alt}
          loading={eager ? 'eager' : 'lazy'}
          decoding="async"
          draggable={false}
          onError={() => setFailed(url)}
        />
      ) : (
        <Icon className="art-icon" strokeWidth={1.5} aria-hidden="true" />
      )}
    </span>
  )
}
