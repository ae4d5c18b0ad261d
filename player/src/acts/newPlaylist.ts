/** Opens the dialog that names a new playlist; it is made with these tracks in it. */
import { useSyncExternalStore } from 'react'
import type { Track } from '../api/types'

let pending: readonly Track[] | null = null
const listeners = new Set<() => void>()

function set(next: readonly Track[] | null): void {
  pending = next
  for (const listener of listeners) listener()
}

export function newPlaylist(tracks: readonly Track[]): void {
  set(tracks)
}

export function doneNaming(): void {
  set(null)
}

export function useTracksToName(): readonly Track[] | null {
  return useSyncExternalStore(
    (listener) => {
      listeners.add(listener)
      return () => listeners.delete(listener)
    },
    () => pending,
  )
}
