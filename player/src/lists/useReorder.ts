/** Dragging rows by their grip, with a line where they would fall, and the same by Alt and the arrow keys. */
import type { Virtualizer } from '@tanstack/react-virtual'
import { useCallback, useRef, useState, type PointerEvent } from 'react'
import { target, type Selection } from './selection'

const EDGE = 72

export function useReorder(
  list: HTMLElement | null,
  virtual: Virtualizer<HTMLElement, Element>,
  offset: number,
  scroller: HTMLElement | null,
  selection: Selection,
  onReorder: ((indices: number[], to: number) => void) | undefined,
) {
  const [dropAt, setDropAt] = useState<number | null>(null)
  const latest = useRef({ virtual, offset, selection, onReorder })
  latest.current = { virtual, offset, selection, onReorder }

  const grip = useCallback(
    (event: PointerEvent, index: number) => {
      if (!list || event.button !== 0) return
      event.preventDefault()
      event.stopPropagation()
      const indices = target(latest.current.selection, index)
      let y = event.clientY
      let to = index
      let moved = false
      let frame = 0

      const aim = () => {
        const now = latest.current
        const within = y - list.getBoundingClientRect().top
        const item = now.virtual.getVirtualItemForOffset(within + now.offset)
        if (item) {
          const after = within + now.offset > item.start + item.size / 2
          to = item.index + (after ? 1 : 0)
          setDropAt((after ? item.end : item.start) - now.offset)
        }
      }
      const tick = () => {
        const box = scroller?.getBoundingClientRect()
        if (scroller && box && moved) {
          if (y < box.top + EDGE) scroller.scrollTop -= (box.top + EDGE - y) / 4
          else if (y > box.bottom - EDGE) scroller.scrollTop += (y - box.bottom + EDGE) / 4
          aim()
        }
        frame = requestAnimationFrame(tick)
      }
      const onMove = (each: globalThis.PointerEvent) => {
        moved ||= Math.abs(each.clientY - event.clientY) > 4
        y = each.clientY
      }
      const end = (drop: boolean) => {
        cancelAnimationFrame(frame)
        setDropAt(null)
        window.removeEventListener('pointermove', onMove)
        window.removeEventListener('pointerup', onUp)
        window.removeEventListener('pointercancel', onCancel)
        window.removeEventListener('keydown', onKey, true)
        if (drop && moved) latest.current.onReorder?.(indices, to)
      }
      const onUp = () => end(true)
      const onCancel = () => end(false)
      const onKey = (each: globalThis.KeyboardEvent) => each.key === 'Escape' && end(false)
      window.addEventListener('pointermove', onMove)
      window.addEventListener('pointerup', onUp)
      window.addEventListener('pointercancel', onCancel)
      window.addEventListener('keydown', onKey, true)
      frame = requestAnimationFrame(tick)
    },
    [list, scroller],
  )

  /** Moves the selection (or the keyboard's row) one place; gives the selection as it then stands, or null at an end. */
  const moveBy = (step: 1 | -1): Selection | null => {
    const total = virtual.options.count
    const indices = target(selection, selection.active)
    const low = indices[0] ?? 0
    const high = indices.at(-1) ?? 0
    if ((step < 0 && low === 0) || (step > 0 && high >= total - 1)) return null
    const to = step < 0 ? low - 1 : high + 2
    onReorder?.(indices, to)
    const start = step < 0 ? low - 1 : high + 2 - indices.length
    const rows = new Set(indices.map((_, at) => start + at))
    const active = start + Math.max(0, indices.indexOf(selection.active))
    return { rows: selection.rows.size > 0 ? rows : new Set(), anchor: active, active }
  }

  return { grip, dropAt, moveBy }
}
