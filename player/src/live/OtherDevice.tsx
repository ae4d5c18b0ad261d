import { MonitorSpeaker, Pause, Play, SkipBack, SkipForward } from 'lucide-react'
import { usePlayer } from '../engine'
import { Button, IconButton } from '../ui/Button'
import { live, otherOf, useDevices } from './live'
import './live.css'

/** Over the player while another device is the active one: what it does, its buttons, and the way to play here instead. */
export function OtherDevice() {
  const other = otherOf(useDevices())
  const here = usePlayer((state) => state.status === 'playing')
  if (!other || here) return null
  const playing = other.state?.playing ?? false
  return (
    <div className="other-device" role="group" aria-label="Other device">
      <MonitorSpeaker size={18} aria-hidden="true" />
      <span className="other-device-name ellipsis" role="status">
        {playing ? 'Playing' : 'Paused'} on {other.name}
      </span>
      <IconButton label="Previous there" icon={<SkipBack size={16} fill="currentColor" aria-hidden="true" />} size="s" onClick={() => live.ask('previous', other.id)} />
      <IconButton
        label={playing ? 'Pause there' : 'Play there'}
        icon={playing ? <Pause size={16} fill="currentColor" aria-hidden="true" /> : <Play size={16} fill="currentColor" aria-hidden="true" />}
        size="s"
        onClick={() => live.ask(playing ? 'pause' : 'play', other.id)}
      />
      <IconButton label="Next there" icon={<SkipForward size={16} fill="currentColor" aria-hidden="true" />} size="s" onClick={() => live.ask('next', other.id)} />
      <Button size="s" variant="primary" onClick={() => live.ask('take_over')}>
        Play here
      </Button>
    </div>
  )
}
