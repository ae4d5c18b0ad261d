import { useRef, useState, type PointerEvent } from 'react'
import { player, usePlayer } from '../engine'
import { clock } from '../format'
import { Slider } from '../ui/Slider'

/** Where in the track; shows the time under the pointer, and jumps when let go. */
export function SeekSlider() {
  const { positionMs, durationMs, none } = usePlayer((state) => ({
    positionMs: state.positionMs,
    durationMs: state.durationMs,
    none: state.current === null,
  }))
  const [dragged, setDragged] = useState<number | null>(null)
  const [hover, setHover] = useState<{ x: number; ms: number } | null>(null)
  const box = useRef<HTMLDivElement>(null)
  const shown = Math.min(dragged ?? positionMs, durationMs)

  const commit = (value: number) => {
    if (dragged === null) return
    setDragged(null)
    player.seek(value)
  }
  const aim = (event: PointerEvent) => {
    const rect = box.current?.getBoundingClientRect()
    if (!rect || rect.width === 0 || event.pointerType === 'touch') return
    const share = Math.min(1, Math.max(0, (event.clientX - rect.left) / rect.width))
    setHover({ x: share * rect.width, ms: share * durationMs })
  }

  return (
    <div className="seek">
      <span className="seek-time tabular" aria-hidden="true">
        {none ? '–:––' : clock(shown)}
      </span>
      <div className="seek-track" ref={box} onPointerMove={aim} onPointerLeave={() => setHover(null)}>
        <Slider
          label="Position"
          value={shown}
          max={durationMs}
          step={1000}
          disabled={none}
          buffered={durationMs > 0 ? player.bufferedMs / durationMs : 0}
          valueText={`${clock(shown)} of ${clock(durationMs)}`}
          onChange={setDragged}
          onCommit={commit}
        />
        {hover && !none && (
          <span className="seek-hover tabular" style={{ left: hover.x }} aria-hidden="true">
            {clock(hover.ms)}
          </span>
        )}
      </div>
      <span className="seek-time tabular" aria-hidden="true">
        {none ? '–:––' : clock(durationMs)}
      </span>
    </div>
  )
}
