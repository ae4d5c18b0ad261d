/** The keys on the keyboard, the headset and the lock screen. */
import { artUrl } from '../api/base'
import type { PlayerState } from './store'

export interface Controls {
  play(): void
  pause(): void
  next(): void
  previous(): void
  seek(ms: number): void
  stop(): void
  positionMs(): number
}

const STEP_MS = 10_000
const SIZES = [128, 256, 512]

export function bindMediaKeys(controls: Controls): () => void {
  if (!('mediaSession' in navigator)) return () => undefined
  const handlers: Partial<Record<MediaSessionAction, MediaSessionActionHandler>> = {
    play: () => controls.play(),
    pause: () => controls.pause(),
    stop: () => controls.stop(),
    nexttrack: () => controls.next(),
    previoustrack: () => controls.previous(),
    seekbackward: ({ seekOffset }) => controls.seek(controls.positionMs() - (seekOffset ? seekOffset * 1000 : STEP_MS)),
    seekforward: ({ seekOffset }) => controls.seek(controls.positionMs() + (seekOffset ? seekOffset * 1000 : STEP_MS)),
    seekto: ({ seekTime }) => {
      if (typeof seekTime === 'number') controls.seek(seekTime * 1000)
    },
  }
  const set = (name: string, handler: MediaSessionActionHandler | null) => {
    try {
      navigator.mediaSession.setActionHandler(name as MediaSessionAction, handler)
    } catch {
      // This browser does not know the action.
    }
  }
  for (const [name, handler] of Object.entries(handlers)) set(name, handler)
  return () => {
    for (const name of Object.keys(handlers)) set(name, null)
    navigator.mediaSession.metadata = null
    navigator.mediaSession.playbackState = 'none'
  }
}

let shownKey: string | null = null

/** Called at each change; cheap when nothing that is shown differs. */
export function showMedia(state: PlayerState): void {
  if (!('mediaSession' in navigator)) return
  const { current, status } = state
  const key = current?.key ?? null
  if (key !== shownKey) {
    shownKey = key
    navigator.mediaSession.metadata = current ? metadata(current.track) : null
  }
  navigator.mediaSession.playbackState = !current ? 'none' : status === 'playing' || status === 'loading' ? 'playing' : 'paused'
}

export function showPosition(positionMs: number, durationMs: number): void {
  if (!('mediaSession' in navigator) || !(durationMs > 0)) return
  try {
    const duration = durationMs / 1000
    navigator.mediaSession.setPositionState({ duration, playbackRate: 1, position: Math.min(duration, Math.max(0, positionMs / 1000)) })
  } catch {
    // An old browser without it.
  }
}

function metadata(track: { title: string; artist: string; release: string | null; art: string | null }): MediaMetadata {
  const artwork = SIZES.flatMap((size) => {
    const src = artUrl(track.art, size)
    return src ? [{ src: new URL(src, location.href).href, sizes: `${size}x${size}` }] : []
  })
  if (artwork.length === 0) artwork.push({ src: new URL('icon-512.png', document.baseURI).href, sizes: '512x512' })
  return new MediaMetadata({ title: track.title, artist: track.artist, album: track.release ?? '', artwork })
}
