import { Heart, ListMusic, ListPlus, Play, Radio, Trash2, X } from 'lucide-react'
import { createPortal } from 'react-dom'
import { setLiked } from '../acts/acts'
import { addToPlaylist } from '../acts/addToPlaylist'
import type { EventContext, Track } from '../api/types'
import { player } from '../engine'
import { plural } from '../format'
import { MOST } from './source'
import { useDock } from '../shell/dock'
import { Button, IconButton } from '../ui/Button'
import { toast } from '../ui/toasts'

export interface ActionBarProps {
  count: number
  load: () => Promise<Track[]>
  context?: EventContext | undefined
  onRemove?: (() => void) | undefined
  onAll: () => void
  onClear: () => void
}

/** What may be done with everything selected; stands above the player bar. */
export function ActionBar({ count, load, context, onRemove, onAll, onClear }: ActionBarProps) {
  const dock = useDock()
  const act = (run: (tracks: Track[]) => void) => () => {
    if (count > MOST) toast(`Only the first ${plural(MOST, 'track')} are taken at once.`)
    load().then(run, (error: unknown) => toast(error instanceof Error ? error.message : 'That did not work.', { tone: 'bad' }))
  }
  if (!dock) return null
  return createPortal(
    <div className="action-bar" role="toolbar" aria-label="Selected tracks">
      <IconButton size="s" label="Clear the selection" icon={X} onClick={onClear} />
      <span className="action-count" role="status">
        {plural(count, 'track')}
      </span>
      <Button size="s" variant="ghost" onClick={onAll} className="action-all">
        All
      </Button>
      <span className="action-gap" />
      <IconButton label="Play" icon={Play} variant="primary" onClick={act((tracks) => player.playTracks(tracks, 0, context))} />
      <IconButton
        label="Add to queue"
        icon={ListPlus}
        onClick={act((tracks) => {
          player.enqueue(tracks, context)
          toast(`${plural(tracks.length, 'track')} added to the queue.`)
        })}
      />
      <IconButton label="Add to playlist" icon={ListMusic} onClick={act((tracks) => addToPlaylist(tracks))} />
      <IconButton
        label="Like"
        icon={Heart}
        onClick={act((tracks) => {
          for (const track of tracks.slice(0, 500)) setLiked('track', track, true)
          toast(`${plural(Math.min(500, tracks.length), 'track')} liked.`)
        })}
      />
      <IconButton label="Start radio" icon={Radio} onClick={act((tracks) => player.startRadio(tracks.slice(0, 5)))} />
      {onRemove && <IconButton label="Remove from this playlist" icon={Trash2} onClick={onRemove} />}
    </div>,
    dock,
  )
}
