/** Asks which playlist; the dialog itself stands in the shell. */
import { useSyncExternalStore } from 'react'
import type { Track } from '../api/types'

let pending: readonly Track[] | null = null
const listeners = new Set<() => void>()

function set(next: readonly Track[] | null): void {
  pending = next
  for (const listener of listeners) listener()
}

export function addToPlaylist(tracks: readonly Track[]): void {
  if (tracks.length > 0) set(tracks)
}

export function doneAdding(): void {
  set(null)
}

export function usePendingTracks(): readonly Track[] | null {
  return useSyncExternalStore(
    (listener) => {
      listeners.add(listener)
      return () => listeners.delete(listener)
    },
    () => pending,
  )
}
