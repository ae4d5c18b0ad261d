import { Pause, Play, Repeat, Repeat1, Shuffle, SkipBack, SkipForward } from 'lucide-react'
import { player, usePlayer, type Repeat as RepeatMode } from '../engine'
import { controls, usePlaysElsewhere } from '../live'
import { IconButton, join } from '../ui/Button'

const NEXT_REPEAT: Record<RepeatMode, RepeatMode> = { off: 'all', all: 'one', one: 'off' }
const REPEAT_LABEL: Record<RepeatMode, string> = { off: 'Repeat', all: 'Repeat: the whole queue', one: 'Repeat: this track' }

export function cycleRepeat(now: RepeatMode): void {
  player.setRepeat(NEXT_REPEAT[now])
}

export function PlayButton({ large }: { large?: boolean }) {
  const status = usePlayer((state) => state.status)
  const none = usePlayer((state) => state.current === null)
  const elsewhere = usePlaysElsewhere()
  const sounding = elsewhere || status === 'playing' || status === 'loading'
  return (
    <IconButton
      label={sounding ? 'Pause' : 'Play'}
      variant="primary"
      size={large ? 'l' : 'm'}
      disabled={none}
      className={join('play-button', status === 'loading' && 'play-button-loading')}
      aria-keyshortcuts="Space"
      icon={sounding ? <Pause size={large ? 26 : 20} fill="currentColor" aria-hidden="true" /> : <Play size={large ? 26 : 20} fill="currentColor" aria-hidden="true" />}
      onClick={controls.toggle}
    />
  )
}

/** Shuffle, back, play, forward, repeat. */
export function Transport({ large }: { large?: boolean }) {
  const { none, shuffle, repeat } = usePlayer((state) => ({ none: state.current === null, shuffle: state.shuffle, repeat: state.repeat }))
  const skipSize = large ? 'l' : 'm'
  return (
    <div className={join('transport', large && 'transport-large')} role="group" aria-label="Playback">
      <IconButton label="Shuffle" icon={Shuffle} size={large ? 'm' : 's'} pressed={shuffle} disabled={none} onClick={() => player.setShuffle(!shuffle)} />
      <IconButton label="Previous" icon={<SkipBack size={large ? 26 : 20} fill="currentColor" aria-hidden="true" />} size={skipSize} disabled={none} onClick={controls.previous} />
      <PlayButton {...(large ? { large } : {})} />
      <IconButton label="Next" icon={<SkipForward size={large ? 26 : 20} fill="currentColor" aria-hidden="true" />} size={skipSize} disabled={none} onClick={controls.next} />
      <IconButton
        label={REPEAT_LABEL[repeat]}
        icon={repeat === 'one' ? Repeat1 : Repeat}
        size={large ? 'm' : 's'}
        pressed={repeat !== 'off'}
        disabled={none}
        onClick={() => cycleRepeat(repeat)}
      />
    </div>
  )
}
