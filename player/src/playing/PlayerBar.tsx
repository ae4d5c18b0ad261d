import { ChevronUp, EllipsisVertical, EyeOff, ListMusic, Maximize2, SkipForward } from 'lucide-react'
import { useEffect } from 'react'
import { Link, useLocation } from 'react-router'
import { player, usePlayer } from '../engine'
import { controls, DevicesButton, live } from '../live'
import { Credits } from '../lists/Credits'
import { togglePanel, usePanel } from '../shell/panel'
import { Art } from '../ui/Art'
import { IconButton, join } from '../ui/Button'
import { LikeButton } from '../ui/LikeButton'
import { openMenu } from '../ui/menus'
import { moreMenu } from './more'
import { SeekSlider } from './SeekSlider'
import { toggleFull, useShortcuts } from './shortcuts'
import { SleepButton } from './SleepButton'
import { PlayButton, Transport } from './Transport'
import { VolumeControl } from './Volume'

/** Under every page. Being there means somebody is signed in, so it also wakes the player and lays it to rest. */
export function PlayerBar() {
  useEffect(() => {
    let left = false
    void player.start().finally(() => {
      if (!left) live.start()
    })
    return () => {
      left = true
      live.stop()
      player.stop()
    }
  }, [])
  useShortcuts()
  const current = usePlayer((state) => state.current)
  const full = useLocation().pathname === '/playing'
  return (
    <section className={join('player-bar', !current && 'player-bar-idle', full && 'player-bar-full')} aria-label="Player">
      <Progress />
      <div className="bar-track">{current ? <Track /> : <p className="bar-nothing">Choose something to play.</p>}</div>
      <div className="bar-middle">
        <Transport />
        <SeekSlider />
      </div>
      <Side />
      <div className="bar-mini">
        <PlayButton />
        <IconButton
          label="Next"
          icon={<SkipForward size={20} fill="currentColor" aria-hidden="true" />}
          disabled={!current}
          onClick={controls.next}
        />
      </div>
      <Announcer />
    </section>
  )
}

function Track() {
  const current = usePlayer((state) => state.current)
  const error = usePlayer((state) => state.error)
  if (!current) return null
  const { track } = current
  return (
    <>
      <button type="button" className="bar-art" aria-label="Full view" title="Full view" onClick={toggleFull}>
        <Art id={track.release_id ?? track.id} art={track.art} size={56} kind="track" eager />
        <span className="bar-art-hint" aria-hidden="true">
          <ChevronUp size={22} />
        </span>
      </button>
      <div className="bar-names">
        <span className="bar-title ellipsis">
          {track.release_id ? <Link to={`/releases/${track.release_id}`}>{track.title}</Link> : track.title}
        </span>
        <span className={join('bar-artist ellipsis', error && 'bar-error')}>
          {error ?? <Credits artists={track.artists} text={track.artist} />}
        </span>
      </div>
      <LikeButton type="track" entity={track} name={track.title} className="bar-like" />
    </>
  )
}

function Side() {
  const { current, isPrivate } = usePlayer((state) => ({ current: state.current, isPrivate: state.private }))
  const panel = usePanel()
  const full = useLocation().pathname === '/playing'
  return (
    <div className="bar-side">
      {isPrivate && (
        <span className="bar-private" title="Private: Segue does not learn from this">
          <EyeOff size={16} aria-label="Private listening" />
        </span>
      )}
      <DevicesButton />
      <SleepButton />
      <VolumeControl />
      <IconButton label="Queue" icon={ListMusic} size="s" pressed={panel} onClick={togglePanel} />
      <IconButton label="Full view" icon={Maximize2} size="s" pressed={full} disabled={!current} onClick={toggleFull} />
      <IconButton
        label="More"
        icon={EllipsisVertical}
        size="s"
        aria-haspopup="menu"
        onClick={(event) => openMenu(event, current?.track.title ?? 'Player', moreMenu({ current, private: isPrivate }))}
      />
    </div>
  )
}

/** The thin line over the small bar. */
function Progress() {
  const share = usePlayer((state) => (state.durationMs > 0 ? Math.round((state.positionMs / state.durationMs) * 500) / 500 : 0))
  return (
    <span className="bar-progress" aria-hidden="true">
      <span style={{ transform: `scaleX(${Math.min(1, share)})` }} />
    </span>
  )
}

/** Says a change of track, and what Segue has to say about what follows. */
function Announcer() {
  const spoken = usePlayer((state) =>
    state.current && (state.status === 'playing' || state.status === 'error')
      ? (state.error ?? `Now playing: ${state.current.track.title} by ${state.current.track.artist}`)
      : '',
  )
  return (
    <span className="sr-only" role="status" aria-live="polite">
      {spoken}
    </span>
  )
}
