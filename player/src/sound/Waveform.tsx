import { ZoomIn, ZoomOut } from 'lucide-react'
import { useId, useRef, useState, type CSSProperties, type KeyboardEvent } from 'react'
import type { Analysis, SoundSection } from '../api/types'
import { player, usePlayer } from '../engine'
import { clock } from '../format'
import { Button, IconButton, join } from '../ui/Button'
import { Slider } from '../ui/Slider'
import { around, bars, CLOSEST_S, ruler, share, ticks, whole, within, type View } from './wave'
import { MOMENTS, percent } from './words'

const SEEK_S = 5

/** The colour of a section: the same letter, the same colour. */
function hue(label: string): CSSProperties {
  return { '--part': (label.charCodeAt(0) - 65) * 67 + 190 } as CSSProperties
}

/** Loudness over time with sections, beats and cues; one can zoom in, and seek while this track plays. */
export function Waveform({ id, durationMs, analysis }: { id: string; durationMs: number; analysis: Analysis }) {
  const durationS = Math.max(0.1, durationMs / 1000)
  const [view, setView] = useState<View>(() => whole(durationS))
  const [hover, setHover] = useState<number | null>(null)
  const box = useRef<HTMLDivElement>(null)
  const clip = useId()
  const atMs = usePlayer((state) => (state.current?.track.id === id ? state.positionMs : null))
  const atS = atMs === null ? null : atMs / 1000
  const spanS = view.endS - view.startS
  const zoomed = spanS < durationS - 0.01

  const zoom = (by: number) => {
    const centre = atS !== null && within(atS, view) ? atS : (view.startS + view.endS) / 2
    setView(around(centre, spanS * by, durationS))
  }
  const under = (event: { clientX: number }) => {
    const rect = box.current?.getBoundingClientRect()
    if (!rect || rect.width === 0) return null
    return view.startS + Math.min(1, Math.max(0, (event.clientX - rect.left) / rect.width)) * spanS
  }
  const seek = (toS: number) => player.seek(Math.min(durationS, Math.max(0, toS)) * 1000)
  const onKeyDown = (event: KeyboardEvent) => {
    const to: Record<string, number> = {
      ArrowRight: (atS ?? 0) + SEEK_S,
      ArrowUp: (atS ?? 0) + SEEK_S,
      ArrowLeft: (atS ?? 0) - SEEK_S,
      ArrowDown: (atS ?? 0) - SEEK_S,
      Home: 0,
      End: durationS - 1,
    }
    const next = to[event.key]
    if (next !== undefined && atS !== null && !event.shiftKey) seek(next)
    else if (event.key === '+' || event.key === '=') zoom(0.5)
    else if (event.key === '-') zoom(2)
    else return
    event.preventDefault()
    event.stopPropagation()
  }

  const moments = MOMENTS.flatMap(({ name, label }) => {
    const value = analysis.values[name]
    return value && !name.startsWith('silence') && value.value > 0 ? [{ name, label, atS: value.value }] : []
  })
  const headS = analysis.values['silence_head_s']?.value ?? 0
  const tailS = analysis.values['silence_tail_s']?.value ?? 0
  const silences = [
    { startS: 0, endS: headS },
    { startS: durationS - tailS, endS: durationS },
  ].filter((one) => one.endS - one.startS > 0.05)
  const shapes = bars(analysis.waveform, durationS, view)
  const marks = ticks(analysis.beats_s, analysis.downbeats_s, view)
  const place = (startS: number, endS: number): CSSProperties => {
    const left = Math.max(0, share(startS, view))
    const right = Math.min(1, share(endS, view))
    return { left: `${left * 100}%`, width: `${Math.max(0, right - left) * 100}%` }
  }
  const shown = (part: { startS: number; endS: number }) => part.endS > view.startS && part.startS < view.endS
  const sections = analysis.sections.filter((one) => shown({ startS: one.start_s, endS: one.end_s }))

  return (
    <figure className="wave">
      <figcaption className="sr-only">Waveform, structure and beats. The same in words stands below.</figcaption>
      <div className="wave-box" ref={box}>
        <div className="wave-parts" aria-hidden="true">
          {sections.map((one) => (
            <span key={one.start_s} className="wave-part" style={{ ...place(one.start_s, one.end_s), ...hue(one.label) }}>
              {one.label}
            </span>
          ))}
        </div>
        <div
          className={join('wave-plot', atS !== null && 'wave-live')}
          role={atS === null ? 'group' : 'slider'}
          aria-label={atS === null ? 'Waveform' : 'Position in this track'}
          {...(atS === null
            ? {}
            : {
                'aria-valuemin': 0,
                'aria-valuemax': Math.round(durationS),
                'aria-valuenow': Math.round(atS),
                'aria-valuetext': `${clock(atS * 1000)} of ${clock(durationMs)}`,
              })}
          tabIndex={0}
          onKeyDown={onKeyDown}
          onPointerMove={(event) => setHover(event.pointerType === 'touch' ? null : under(event))}
          onPointerLeave={() => setHover(null)}
          onClick={(event) => {
            const to = under(event)
            if (to !== null && atS !== null) seek(to)
          }}
        >
          <svg className="wave-svg" viewBox="0 0 1000 100" preserveAspectRatio="none" aria-hidden="true">
            {sections.map((one) => (
              <rect
                key={one.start_s}
                className="wave-band"
                style={hue(one.label)}
                x={share(one.start_s, view) * 1000}
                width={((one.end_s - one.start_s) / spanS) * 1000}
                y={0}
                height={100}
              />
            ))}
            {silences.filter(shown).map((one) => (
              <rect
                key={one.startS}
                className="wave-silence"
                x={share(one.startS, view) * 1000}
                width={((one.endS - one.startS) / spanS) * 1000}
                y={0}
                height={100}
              />
            ))}
            <path className="wave-bars" d={shapes} />
            {atS !== null && (
              <>
                <clipPath id={clip}>
                  <rect x={0} y={0} height={100} width={Math.max(0, share(atS, view) * 1000)} />
                </clipPath>
                <path className="wave-bars wave-played" d={shapes} clipPath={`url(#${clip})`} />
              </>
            )}
            {marks.map((tick) => (
              <line
                key={tick.atS}
                className={tick.strong ? 'wave-beat wave-downbeat' : 'wave-beat'}
                x1={share(tick.atS, view) * 1000}
                x2={share(tick.atS, view) * 1000}
                y1={tick.strong ? 84 : 92}
                y2={100}
              />
            ))}
          </svg>
          {moments
            .filter((one) => within(one.atS, view))
            .map((one) => (
              <span
                key={one.name}
                className={join('wave-cue', `wave-${one.name}`)}
                style={{ left: `${share(one.atS, view) * 100}%` }}
                title={`${one.label}: ${clock(one.atS * 1000)}`}
                aria-hidden="true"
              />
            ))}
          {atS !== null && within(atS, view) && (
            <span className="wave-now" style={{ left: `${share(atS, view) * 100}%` }} aria-hidden="true" />
          )}
          {hover !== null && (
            <span className="seek-hover wave-hover tabular" style={{ left: `${share(hover, view) * 100}%` }} aria-hidden="true">
              {clock(hover * 1000)}
            </span>
          )}
        </div>
        <div className="wave-ruler tabular" aria-hidden="true">
          {ruler(view).map((each) => (
            <span key={each} style={{ left: `${share(each, view) * 100}%` }}>
              {clock(each * 1000)}
            </span>
          ))}
        </div>
      </div>
      <div className="wave-tools">
        <IconButton size="s" label="Zoom in" icon={ZoomIn} disabled={spanS <= CLOSEST_S} onClick={() => zoom(0.5)} />
        <IconButton size="s" label="Zoom out" icon={ZoomOut} disabled={!zoomed} onClick={() => zoom(2)} />
        {zoomed && (
          <>
            <Slider
              className="wave-scroll"
              label="The part shown"
              value={view.startS}
              max={durationS - spanS}
              step={spanS / 20}
              valueText={`${clock(view.startS * 1000)} to ${clock(view.endS * 1000)}`}
              onChange={(startS) => setView({ startS, endS: startS + spanS })}
            />
            <Button size="s" variant="ghost" onClick={() => setView(whole(durationS))}>
              Whole track
            </Button>
          </>
        )}
        {!zoomed && <span className="small faint">{atS === null ? 'Play it to seek here.' : 'Press the waveform to jump there.'}</span>}
      </div>
    </figure>
  )
}

/** The structure in words; each section is a button that jumps there while the track plays. */
export function Structure({ id, sections, beats, bars }: { id: string; sections: SoundSection[]; beats: number; bars: number }) {
  const playing = usePlayer((state) => state.current?.track.id === id)
  return (
    <>
      {sections.length > 0 && (
        <ol className="parts" aria-label="Sections: those of one letter sound alike">
          {sections.map((one) => {
            const text = (
              <>
                <strong>{one.label}</strong>
                <span className="tabular">
                  {clock(one.start_s * 1000)}–{clock(one.end_s * 1000)}
                </span>
                <span className="small">energy {percent(one.energy)}</span>
              </>
            )
            return (
              <li key={one.start_s}>
                <button
                  type="button"
                  className="part"
                  style={hue(one.label)}
                  disabled={!playing}
                  title={playing ? 'Jump there' : 'Play the track to jump there'}
                  onClick={() => player.seek(one.start_s * 1000)}
                >
                  {text}
                </button>
              </li>
            )
          })}
        </ol>
      )}
      <p className="small muted">
        {beats > 0 ? `${beats} beats in ${bars} bars were heard; zoom in to see them.` : 'No steady beat was heard.'}
      </p>
    </>
  )
}
