/**
 * What this listener just did, ahead of the server's answers. Likes, ratings and hides are events that travel through the
 * player's outbox, so a list read a moment ago (or the play queue) may not know them yet: what is kept here wins over it.
 */
import { useSyncExternalStore } from 'react'
import type { Id } from '../api/types'

export interface Act {
  liked_at?: string | null
  rating?: number
  hidden?: boolean
}

const acts = new Map<Id, Act>()
const listeners = new Set<() => void>()

export function remember(id: Id, act: Act): void {
  acts.set(id, { ...acts.get(id), ...act })
  for (const listener of listeners) listener()
}

export function forget(): void {
  acts.clear()
  for (const listener of listeners) listener()
}

export function actOn(id: Id): Act | undefined {
  return acts.get(id)
}

interface Likeable {
  id: Id
  liked_at: string | null
  rating: number
}

/** The entity's like and rating as they now stand. */
export function standing(entity: Likeable): { liked: boolean; rating: number; hidden: boolean } {
  const act = acts.get(entity.id)
  return {
    liked: (act?.liked_at === undefined ? entity.liked_at : act.liked_at) !== null,
    rating: act?.rating ?? entity.rating,
    hidden: act?.hidden ?? false,
  }
}

export function useStanding(entity: Likeable): { liked: boolean; rating: number; hidden: boolean } {
  useSyncExternalStore(subscribe, () => acts.get(entity.id))
  return standing(entity)
}

function subscribe(listener: () => void): () => void {
  listeners.add(listener)
  return () => listeners.delete(listener)
}
