/** Whether the right panel (the queue) is open; kept across reloads. */
import { useSyncExternalStore } from 'react'

const KEY = 'segue.panel'
let open = read()
const listeners = new Set<() => void>()

function read(): boolean {
  try {
    return localStorage.getItem(KEY) === 'open'
  } catch {
    return false
  }
}

export function setPanel(next: boolean): void {
  open = next
  try {
    localStorage.setItem(KEY, next ? 'open' : 'closed')
  } catch {
    // Private windows may refuse; the panel then forgets.
  }
  for (const listener of listeners) listener()
}

export function togglePanel(): void {
  setPanel(!open)
}

export function usePanel(): boolean {
  return useSyncExternalStore(
    (listener) => {
      listeners.add(listener)
      return () => listeners.delete(listener)
    },
    () => open,
  )
}
