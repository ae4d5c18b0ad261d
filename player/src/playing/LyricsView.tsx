import { useQuery } from '@tanstack/react-query'
import { MicVocal } from 'lucide-react'
import { useEffect, useRef } from 'react'
import { api } from '../api/client'
import type { Lyrics, Track } from '../api/types'
import { player, usePlayer } from '../engine'
import { join } from '../ui/Button'
import { EmptyState, ErrorState, Loading } from '../ui/States'
import { bestLyrics, lineAt, lineNow } from './lyricsTime'

/** A little ahead of the sound: eyes want the line as it begins, and the position comes four times a second. */
const AHEAD_MS = 200
/** After somebody scrolled, the text stays where they put it for so long. */
const HANDS_OFF_MS = 4_000

export function LyricsView({ track }: { track: Track }) {
  const { data, error, isLoading, refetch } = useQuery({
    queryKey: ['lyrics', track.id],
    queryFn: ({ signal }) => api.get<{ items: Lyrics[] }>(`tracks/${track.id}/lyrics`, undefined, { signal }),
    enabled: track.has_lyrics,
    staleTime: 10 * 60_000,
  })
  if (isLoading) return <Loading label="Loading the lyrics" />
  if (error) return <ErrorState error={error} onRetry={() => void refetch()} />
  const lyrics = data ? bestLyrics(data.items) : null
  if (!lyrics) {
    return (
      <EmptyState icon={MicVocal} title="No lyrics">
        A file next to the track with the same name and the ending .lrc would be shown here.
      </EmptyState>
    )
  }
  return lyrics.synced ? <Synced lyrics={lyrics} key={track.id} /> : <Plain lyrics={lyrics} />
}

function Plain({ lyrics }: { lyrics: Lyrics }) {
  return (
    <div className="lyrics lyrics-plain" lang={lang(lyrics)} tabIndex={0} role="region" aria-label="Lyrics">
      {lyrics.lines.map((line, index) => (
        <p key={index} dir="auto">
          {line.text || '\u00a0'}
        </p>
      ))}
    </div>
  )
}

function Synced({ lyrics }: { lyrics: Lyrics }) {
  const now = usePlayer((state) => lineNow(lyrics, state.positionMs + AHEAD_MS))
  const box = useRef<HTMLDivElement>(null)
  const touchedAt = useRef(0)
  useEffect(() => {
    const { current } = box
    const line = current?.querySelector<HTMLElement>(`[data-line="${Math.max(0, now)}"]`)
    if (!current || !line || Date.now() - touchedAt.current < HANDS_OFF_MS) return
    const calm = matchMedia('(prefers-reduced-motion: reduce)').matches
    current.scrollTo({ top: line.offsetTop - current.clientHeight * 0.38, behavior: calm ? 'auto' : 'smooth' })
  }, [now])
  const touch = () => {
    touchedAt.current = Date.now()
  }
  return (
    <div className="lyrics" lang={lang(lyrics)} ref={box} onWheel={touch} onTouchMove={touch} role="group" aria-label="Lyrics">
      {lyrics.lines.map((line, index) => {
        const at = lineAt(lyrics, index)
        return (
          <button
            key={index}
            type="button"
            data-line={index}
            dir="auto"
            className={join('lyrics-line', index === now && 'lyrics-now', index < now && 'lyrics-past')}
            aria-current={index === now ? 'true' : undefined}
            disabled={at === null}
            onClick={() => {
              touchedAt.current = 0
              if (at !== null) player.seek(at)
            }}
          >
            {line.text || '♪'}
          </button>
        )
      })}
    </div>
  )
}

/** `xxx` and `und` are how tags say that they do not know. */
function lang({ language }: Lyrics): string | undefined {
  return language && language !== 'xxx' && language !== 'und' ? language : undefined
}
