/** The messages that pass by. A store outside React, so that anything may say something. */
import { useSyncExternalStore } from 'react'

export interface Toast {
  id: number
  text: string
  tone: 'plain' | 'bad'
  action: { label: string; onSelect: () => void } | null
}

let toasts: readonly Toast[] = []
let nextId = 1
const listeners = new Set<() => void>()
const timers = new Map<number, ReturnType<typeof setTimeout>>()

function set(next: readonly Toast[]): void {
  toasts = next
  for (const listener of listeners) listener()
}

/** Shows `text` for six seconds (ten with an action). At most four stand at once. */
export function toast(text: string, options: { tone?: Toast['tone']; action?: Toast['action'] } = {}): number {
  const id = nextId++
  const action = options.action ?? null
  set([...toasts.slice(-3), { id, text, tone: options.tone ?? 'plain', action }])
  timers.set(
    id,
    setTimeout(() => dismiss(id), action ? 10_000 : 6_000),
  )
  return id
}

export function dismiss(id: number): void {
  clearTimeout(timers.get(id))
  timers.delete(id)
  set(toasts.filter((each) => each.id !== id))
}

export function useToasts(): readonly Toast[] {
  return useSyncExternalStore(
    (listener) => {
      listeners.add(listener)
      return () => listeners.delete(listener)
    },
    () => toasts,
  )
}
