import { Volume, Volume1, Volume2, VolumeX } from 'lucide-react'
import type { WheelEvent } from 'react'
import { player, usePlayer } from '../engine'
import { IconButton } from '../ui/Button'
import { Slider } from '../ui/Slider'

export function VolumeControl() {
  const { volume, muted } = usePlayer((state) => ({ volume: state.volume, muted: state.muted }))
  const shown = muted ? 0 : volume
  const Icon = muted || volume === 0 ? VolumeX : volume < 0.34 ? Volume : volume < 0.67 ? Volume1 : Volume2
  const onWheel = (event: WheelEvent) => player.setVolume(Math.min(1, Math.max(0, shown - Math.sign(event.deltaY) * 0.04)))
  return (
    <div className="volume" onWheel={onWheel}>
      <IconButton label={muted ? 'Unmute' : 'Mute'} icon={Icon} size="s" onClick={() => player.setMuted(!muted)} />
      <Slider
        label="Volume"
        value={Math.round(shown * 100)}
        max={100}
        valueText={muted ? 'Muted' : `${Math.round(shown * 100)} percent`}
        onChange={(value) => player.setVolume(value / 100)}
      />
    </div>
  )
}
