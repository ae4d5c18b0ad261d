/** The one open menu. Anything may open it; `MenuHost` draws it. */
import type { LucideIcon } from 'lucide-react'
import { useSyncExternalStore } from 'react'

export type MenuItem =
  | { kind?: 'item'; label: string; icon?: LucideIcon; onSelect: () => void; danger?: boolean; disabled?: boolean; hint?: string }
  | { kind: 'check'; label: string; icon?: LucideIcon; checked: boolean; onSelect: () => void }
  | { kind: 'rating'; value: number; onRate: (value: number) => void }
  | { kind: 'separator' }

export interface OpenMenu {
  title: string
  items: MenuItem[]
  x: number
  y: number
  /** Where focus returns. */
  origin: HTMLElement | null
  /** Whether the point is a pressed button's corner, so that the menu may sit above it. */
  anchor: DOMRect | null
}

let current: OpenMenu | null = null
const listeners = new Set<() => void>()

function set(next: OpenMenu | null): void {
  current = next
  for (const listener of listeners) listener()
}

interface Trigger {
  currentTarget: EventTarget | null
  clientX?: number
  clientY?: number
  type: string
  preventDefault(): void
  stopPropagation(): void
}

/** Opens at the pointer on a `contextmenu` event, else under the pressed element. */
export function openMenu(event: Trigger, title: string, items: MenuItem[]): void {
  event.preventDefault()
  event.stopPropagation()
  const target = event.currentTarget instanceof HTMLElement ? event.currentTarget : null
  const box = target?.getBoundingClientRect() ?? null
  const atPointer = event.type === 'contextmenu' && ((event.clientX ?? 0) !== 0 || (event.clientY ?? 0) !== 0)
  const origin = document.activeElement instanceof HTMLElement ? document.activeElement : target
  if (atPointer) set({ title, items, x: event.clientX ?? 0, y: event.clientY ?? 0, origin, anchor: null })
  else set({ title, items, x: box?.left ?? 0, y: box?.bottom ?? 0, origin: target ?? origin, anchor: box })
}

export function closeMenu(): void {
  const origin = current?.origin
  set(null)
  origin?.focus?.({ preventScroll: true })
}

export function useOpenMenu(): OpenMenu | null {
  return useSyncExternalStore(
    (listener) => {
      listeners.add(listener)
      return () => listeners.delete(listener)
    },
    () => current,
  )
}
