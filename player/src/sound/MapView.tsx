import { useQuery } from '@tanstack/react-query'
import { Maximize, Minus, PencilLine, Play, Plus, X } from 'lucide-react'
import { useCallback, useEffect, useMemo, useRef, useState, type KeyboardEvent, type PointerEvent } from 'react'
import type { LibraryMap } from '../api/types'
import { usePlayer } from '../engine'
import { count, plural } from '../format'
import { pathAlong, play as playMix } from '../acts/mixes'
import { playAll } from '../pages/cards'
import { trackQuery } from '../past/queries'
import { Art } from '../ui/Art'
import { Button, IconButton, join } from '../ui/Button'
import { toast } from '../ui/toasts'
import { COLOURS, Painter, paletteOf, type Palette } from './paint'
import { fit, pan, Plane, ranked, toMap, toScreen, zoom, type Point, type Size, type View } from './plane'
import { tracksById } from './queries'

const STEP_PX = 60
const REACH_PX = 14
const ALONG_PX = 16
/** A path to listen along; near tracks fill it up. */
const ALONG_TRACKS = 50
const SETTLE_MS = 120

interface Aim {
  index: number
  /** Found by keys: then it is read out. */
  keys: boolean
}

export function MapView({ map }: { map: LibraryMap }) {
  const plane = useMemo(() => new Plane(map.x, map.y), [map])
  const indexOf = useMemo(() => new Map(map.ids.map((id, index) => [id, index])), [map])
  const { top, colour } = useMemo(() => ranked(map.genre, map.genres.length, COLOURS), [map])
  const [only, setOnly] = useState<number | null>(null)
  const colours = useMemo(
    () =>
      Uint8Array.from(map.genre, (genre) => {
        const rank = genre >= 0 ? (colour[genre] ?? -1) : -1
        return rank < 0 || (only !== null && rank !== only) ? COLOURS : rank
      }),
    [map, colour, only],
  )
  const [box, setBox] = useState<HTMLDivElement | null>(null)
  const points = useRef<HTMLCanvasElement>(null)
  const over = useRef<HTMLCanvasElement>(null)
  const swatches = useRef<HTMLDivElement>(null)
  const view = useRef<View | null>(null)
  const size = useRef<Size>({ width: 0, height: 0 })
  const painter = useRef(new Painter())
  const palette = useRef<Palette | null>(null)
  const frame = useRef(0)
  const path = useRef<Point[]>([])
  const [aim, setAim] = useState<Aim | null>(null)
  const [drawing, setDrawing] = useState(false)
  const [drawn, setDrawn] = useState<number[] | null>(null)
  const [corners, setCorners] = useState(0)
  const current = usePlayer((state) => state.current?.track.id ?? null)
  const playing = current === null ? undefined : indexOf.get(current)

  const paint = useCallback(() => {
    frame.current = 0
    const [canvas, front, now] = [points.current, over.current, view.current]
    if (!canvas || !front || !now || size.current.width === 0) return
    const ratio = Math.min(2, globalThis.devicePixelRatio || 1)
    palette.current ??= paletteOf(swatches.current?.children ?? [])
    painter.current.paint(canvas, size.current, ratio, plane, now, colours, palette.current)
    front.width = Math.round(size.current.width * ratio)
    front.height = Math.round(size.current.height * ratio)
    const ctx = front.getContext('2d')
    if (!ctx) return
    ctx.scale(ratio, ratio)
    ctx.strokeStyle = getComputedStyle(front).color
    ctx.lineWidth = 2.5
    ctx.lineJoin = ctx.lineCap = 'round'
    ctx.beginPath()
    path.current.forEach((each, at) => {
      const { x, y } = toScreen(each, now, size.current)
      if (at === 0) ctx.moveTo(x, y)
      ctx.lineTo(x, y)
    })
    ctx.stroke()
    for (const [index, reach] of [
      [playing, 11],
      [aim?.index, 9],
    ] as const) {
      if (index === undefined) continue
      const { x, y } = toScreen({ x: plane.x[index] ?? 0, y: plane.y[index] ?? 0 }, now, size.current)
      ctx.beginPath()
      ctx.arc(x, y, reach, 0, Math.PI * 2)
      ctx.stroke()
    }
  }, [plane, colours, playing, aim])

  const latest = useRef(paint)
  const repaint = useCallback(() => {
    frame.current ||= requestAnimationFrame(() => latest.current())
  }, [])
  useEffect(() => {
    latest.current = paint
    repaint()
  }, [paint, repaint])
  useEffect(() => () => cancelAnimationFrame(frame.current), [])

  const move = useCallback(
    (next: View) => {
      view.current = next
      repaint()
    },
    [repaint],
  )
  const look = useCallback(() => (view.current ??= fit(size.current, plane.bounds)), [plane])
  const zoomBy = useCallback(
    (by: number, at?: Point) => {
      setAim(null)
      move(zoom(look(), by, at ?? { x: size.current.width / 2, y: size.current.height / 2 }, size.current))
    },
    [look, move],
  )

  // The size of the map, and its colours when the theme changes.
  useEffect(() => {
    if (!box) return
    const measure = () => {
      const whole = view.current === null || view.current.scale === fit(size.current, plane.bounds).scale
      size.current = { width: box.clientWidth, height: box.clientHeight }
      if (whole) view.current = fit(size.current, plane.bounds)
      repaint()
    }
    measure()
    const observer = new ResizeObserver(measure)
    observer.observe(box)
    const recolour = () => {
      palette.current = null
      repaint()
    }
    const themed = new MutationObserver(recolour)
    themed.observe(document.documentElement, { attributes: true, attributeFilter: ['data-theme'] })
    const system = matchMedia('(prefers-color-scheme: dark)')
    system.addEventListener('change', recolour)
    const onWheel = (event: WheelEvent) => {
      event.preventDefault()
      const rect = box.getBoundingClientRect()
      const lines = event.deltaMode === 1 ? 30 : 1
      zoomBy(Math.exp(-event.deltaY * lines * (event.ctrlKey ? 0.01 : 0.0018)), {
        x: event.clientX - rect.left,
        y: event.clientY - rect.top,
      })
    }
    box.addEventListener('wheel', onWheel, { passive: false })
    return () => {
      observer.disconnect()
      themed.disconnect()
      system.removeEventListener('change', recolour)
      box.removeEventListener('wheel', onWheel)
    }
  }, [box, plane, repaint, zoomBy])

  const nearest = (at: Point, reachPx: number) => {
    const now = look()
    return plane.nearest(toMap(at, now, size.current), reachPx / now.scale)
  }
  const aimAt = (index: number, keys = false) =>
    setAim((old) => (index < 0 ? null : !keys && old?.index === index && !old.keys ? old : { index, keys }))
  const play = (index: number) => playAll(() => tracksById([map.ids[index] ?? '']))

  /* ---- the path ---- */
  const clear = () => {
    path.current = []
    setCorners(0)
    setDrawn(null)
    repaint()
  }
  const finish = () => {
    const found = plane.along(path.current, ALONG_PX / look().scale)
    setDrawn(found)
    if (found.length === 0) toast('No track lies along this path.')
  }
  const listenAlong = () => {
    const ids = (drawn ?? []).map((index) => map.ids[index] ?? '')
    pathAlong(ids, Math.max(ALONG_TRACKS, ids.length)).then(
      (mix) => {
        if (!playMix(mix)) return
        toast(`${plural(mix.items.length, 'track')} along your path.`)
        setDrawing(false)
        clear()
      },
      (error: unknown) => toast(error instanceof Error ? error.message : 'That could not be played.', { tone: 'bad' }),
    )
  }

  /* ---- pointers ---- */
  const pointers = useRef(new Map<number, Point>())
  const moved = useRef(false)
  const at = (event: PointerEvent): Point => {
    const rect = event.currentTarget.getBoundingClientRect()
    return { x: event.clientX - rect.left, y: event.clientY - rect.top }
  }
  const onPointerDown = (event: PointerEvent) => {
    if (event.button > 0) return
    event.currentTarget.setPointerCapture?.(event.pointerId)
    pointers.current.set(event.pointerId, at(event))
    moved.current = pointers.current.size > 1
    if (moved.current) setAim(null)
    if (drawing && pointers.current.size === 1) {
      clear()
      path.current = [toMap(at(event), look(), size.current)]
    }
  }
  const onPointerMove = (event: PointerEvent) => {
    const to = at(event)
    const from = pointers.current.get(event.pointerId)
    if (!from) {
      if (event.pointerType === 'mouse' && !drawing) aimAt(nearest(to, REACH_PX))
      return
    }
    const far = Math.hypot(to.x - from.x, to.y - from.y)
    if (!moved.current && far < 4) return
    if (!moved.current) setAim(null)
    moved.current = true
    pointers.current.set(event.pointerId, to)
    if (pointers.current.size === 1 && drawing) {
      path.current.push(toMap(to, look(), size.current))
      repaint()
    } else if (pointers.current.size === 1) move(pan(look(), to.x - from.x, to.y - from.y))
    else {
      const other = [...pointers.current].find(([id]) => id !== event.pointerId)?.[1]
      if (!other) return
      const before = Math.hypot(from.x - other.x, from.y - other.y)
      const after = Math.hypot(to.x - other.x, to.y - other.y)
      const middle = { x: (to.x + other.x) / 2, y: (to.y + other.y) / 2 }
      const shifted = pan(look(), (to.x - from.x) / 2, (to.y - from.y) / 2)
      move(before > 0 ? zoom(shifted, after / before, middle, size.current) : shifted)
    }
  }
  const onPointerUp = (event: PointerEvent) => {
    if (!pointers.current.delete(event.pointerId) || pointers.current.size > 0) return
    if (drawing) {
      if (moved.current) finish()
      return
    }
    if (moved.current || event.type === 'pointercancel') return
    const touch = event.pointerType === 'touch'
    const index = nearest(at(event), touch ? 24 : REACH_PX)
    if (index >= 0 && (!touch || aim?.index === index)) play(index)
    aimAt(index)
  }

  const onKeyDown = (event: KeyboardEvent) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.shiftKey) return
    const steps: Record<string, [number, number]> = {
      ArrowLeft: [STEP_PX, 0],
      ArrowRight: [-STEP_PX, 0],
      ArrowUp: [0, STEP_PX],
      ArrowDown: [0, -STEP_PX],
    }
    const step = steps[event.key]
    const middle = { x: size.current.width / 2, y: size.current.height / 2 }
    const press = event.key === 'Enter' || event.key === ' '
    if (step) move(pan(look(), ...step))
    else if (event.key === '+' || event.key === '=') zoomBy(1.5)
    else if (event.key === '-') zoomBy(1 / 1.5)
    else if (event.key === '0') move(fit(size.current, plane.bounds))
    else if (press && drawing) {
      path.current.push(toMap(middle, look(), size.current))
      setCorners(path.current.length)
      if (path.current.length > 1) finish()
      repaint()
    } else if (press && aim) play(aim.index)
    else if (event.key === 'Escape' && drawing) {
      setDrawing(false)
      clear()
    } else return
    if (!press) aimAt(nearest(middle, STEP_PX), true)
    event.preventDefault()
    event.stopPropagation()
  }

  return (
    <>
      <div className="map">
        <div
          ref={setBox}
          className={join('map-plot', drawing && 'map-drawing')}
          role="application"
          aria-label={`Map of ${plural(plane.length, 'track')}. Arrow keys move, plus and minus zoom, 0 shows all, Enter ${
            drawing ? 'adds a corner of the path in the middle' : 'plays the track nearest to the middle'
          }.`}
          tabIndex={0}
          onKeyDown={onKeyDown}
          onPointerDown={onPointerDown}
          onPointerMove={onPointerMove}
          onPointerUp={onPointerUp}
          onPointerCancel={onPointerUp}
          onPointerLeave={(event) => event.pointerType === 'mouse' && !aim?.keys && pointers.current.size === 0 && setAim(null)}
        >
          <canvas ref={points} aria-hidden="true" />
          <canvas ref={over} className="map-over" aria-hidden="true" />
        </div>
        {aim && <AimCard id={map.ids[aim.index] ?? ''} keys={aim.keys} at={toScreen(pointAt(plane, aim.index), look(), size.current)} size={size.current} />}
        <div className="map-tools" role="group" aria-label="Map">
          <IconButton
            label={drawing ? 'Stop drawing' : 'Draw a path to listen along'}
            icon={PencilLine}
            pressed={drawing}
            variant={drawing ? 'soft' : 'ghost'}
            onClick={() => {
              setDrawing(!drawing)
              setAim(null)
              clear()
            }}
          />
          <IconButton label="Zoom in" icon={Plus} onClick={() => zoomBy(1.6)} />
          <IconButton label="Zoom out" icon={Minus} onClick={() => zoomBy(1 / 1.6)} />
          <IconButton label="Whole map" icon={Maximize} onClick={() => move(fit(size.current, plane.bounds))} />
        </div>
        {drawing && (
          <div className="map-drawn" role="status">
            {drawn && drawn.length > 0 ? (
              <>
                {plural(drawn.length, 'track')}
                <Button size="s" variant="primary" icon={Play} onClick={listenAlong}>
                  Listen along
                </Button>
                <IconButton size="s" label="Discard the path" icon={X} onClick={clear} />
              </>
            ) : (
              <span className="small">{corners > 0 ? 'Move on and press Enter again.' : 'Draw through what you want to hear.'}</span>
            )}
          </div>
        )}
      </div>
      <div className="chips map-legend" role="group" aria-label="Genres by colour; press one to see it alone">
        {top.map((one, rank) => (
          <button
            key={one.genre}
            type="button"
            className="chip"
            aria-pressed={only === rank}
            onClick={() => setOnly(only === rank ? null : rank)}
          >
            <span className={`map-swatch map-c${rank}`} aria-hidden="true" />
            {map.genres[one.genre]} <span className="small">{count(one.count)}</span>
          </button>
        ))}
        <span className="chip">
          <span className="map-swatch map-rest" aria-hidden="true" />
          {top.length > 0 ? 'Others' : 'No genre'}
        </span>
      </div>
      <div ref={swatches} hidden>
        {Array.from({ length: COLOURS }, (_, rank) => (
          <span key={rank} className={`map-c${rank}`} />
        ))}
        <span className="map-rest" />
      </div>
    </>
  )
}

function pointAt(plane: Plane, index: number): Point {
  return { x: plane.x[index] ?? 0, y: plane.y[index] ?? 0 }
}

/** What the pointer is at; asked for once it rests there. */
function AimCard({ id, keys, at, size }: { id: string; keys: boolean; at: Point; size: Size }) {
  const [settled, setSettled] = useState<string | null>(null)
  useEffect(() => {
    const timer = setTimeout(() => setSettled(id), SETTLE_MS)
    return () => clearTimeout(timer)
  }, [id])
  const { data: track } = useQuery(trackQuery(settled === id ? id : null))
  if (!track || track.id !== id) return null
  const right = at.x > size.width / 2
  return (
    <div
      className="map-card"
      role={keys ? 'status' : undefined}
      style={{
        [right ? 'right' : 'left']: right ? size.width - at.x + 14 : at.x + 14,
        [at.y > size.height / 2 ? 'bottom' : 'top']: at.y > size.height / 2 ? size.height - at.y + 14 : at.y + 14,
      }}
    >
      <Art id={track.release_id ?? track.id} art={track.art} size={40} kind="track" />
      <span className="map-card-text">
        <strong className="ellipsis">{track.title}</strong>
        <span className="muted ellipsis">{track.artist}</span>
      </span>
    </div>
  )
}
