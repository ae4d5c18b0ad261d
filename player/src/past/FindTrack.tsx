import { useQuery } from '@tanstack/react-query'
import { useRef, useState, type KeyboardEvent } from 'react'
import { searchQuery } from '../api/queries'
import type { Track } from '../api/types'
import { clock } from '../format'
import { Art } from '../ui/Art'
import { Dialog } from '../ui/Dialog'
import { ErrorState, Loading } from '../ui/States'
import { SearchField } from './SearchField'

const LIMIT = 30

export interface FindTrackProps {
  title: string
  /** What is sought to begin with. */
  words: string
  onChosen: (track: Track) => void
}

/** Asks which track of the library is meant. Open while `asked` is given. */
export function FindTrack({ asked, onClose }: { asked: FindTrackProps | null; onClose: () => void }) {
  return (
    <Dialog open={asked !== null} onClose={onClose} title={asked?.title ?? ''} className="find-track">
      {asked && (
        <Find
          words={asked.words}
          onChosen={(track) => {
            onClose()
            asked.onChosen(track)
          }}
        />
      )}
    </Dialog>
  )
}

function Find({ words, onChosen }: { words: string; onChosen: (track: Track) => void }) {
  const [q, setQ] = useState(words)
  const { data, error, refetch, isPlaceholderData } = useQuery(searchQuery(q, LIMIT))
  const list = useRef<HTMLUListElement>(null)
  const tracks = data?.tracks ?? []
  const onKeyDown = (event: KeyboardEvent<HTMLDivElement>) => {
    if (event.key !== 'ArrowDown' && event.key !== 'ArrowUp') return
    const choices = [...(list.current?.querySelectorAll<HTMLElement>('button') ?? [])]
    const at = choices.indexOf(document.activeElement as HTMLElement)
    const to = at + (event.key === 'ArrowDown' ? 1 : -1)
    if (to < 0) event.currentTarget.querySelector('input')?.focus()
    else choices[Math.min(to, choices.length - 1)]?.focus()
    event.preventDefault()
    event.stopPropagation()
  }
  return (
    <div className="stack" role="none" onKeyDown={onKeyDown}>
      <SearchField label="Search your tracks" value={q} onSought={setQ} autoFocus />
      <p className="sr-only" role="status">
        {q && data && !isPlaceholderData ? `${tracks.length} found` : ''}
      </p>
      {error && !data && <ErrorState error={error} onRetry={() => void refetch()} />}
      {q && !data && !error && <Loading />}
      {q && data && tracks.length === 0 && !isPlaceholderData && (
        <p className="muted">No track like “{q}”. Try fewer words, or another spelling.</p>
      )}
      <ul className="choices" ref={list}>
        {tracks.map((track) => (
          <li key={track.id}>
            <button type="button" className="choice" onClick={() => onChosen(track)}>
              <Art id={track.release_id ?? track.id} art={track.art} size={44} kind="track" />
              <span className="choice-text">
                <span className="ellipsis">{track.title}</span>
                <span className="small faint ellipsis">{[track.artist, track.release].filter(Boolean).join(' · ')}</span>
              </span>
              <span className="choice-time small faint tabular">{clock(track.duration_ms)}</span>
            </button>
          </li>
        ))}
      </ul>
    </div>
  )
}
