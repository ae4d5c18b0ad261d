/** A person's acts on a track, release, artist or playlist. Each is an event through the player's outbox; nothing else writes them. */
import type { Id, SubjectType } from '../api/types'
import { queryClient } from '../api/queries'
import { player } from '../engine'
import { toast } from '../ui/toasts'
import { remember } from './store'

export function setLiked(type: SubjectType, entity: { id: Id }, liked: boolean): void {
  remember(entity.id, { liked_at: liked ? new Date().toISOString() : null })
  player.emit(liked ? 'liked' : 'unliked', { type, id: entity.id })
  refreshSoon(['favourites'])
}

/** `rating` 0..5; 0 takes it away. */
export function setRating(type: SubjectType, entity: { id: Id }, rating: number): void {
  remember(entity.id, { rating })
  player.emit('rated', { type, id: entity.id }, { rating })
}

/** Hidden things are never chosen by Segue; they stay in the library. */
export function setHidden(type: SubjectType, entity: { id: Id }, name: string, hidden: boolean): void {
  remember(entity.id, { hidden })
  player.emit(hidden ? 'hidden' : 'unhidden', { type, id: entity.id })
  if (hidden) {
    toast(`Segue will not choose “${name}” any more.`, {
      action: { label: 'Undo', onSelect: () => setHidden(type, entity, name, false) },
    })
  }
}

/** The outbox needs a moment to be acknowledged; then what the server projects is asked again. */
function refreshSoon(key: string[]): void {
  setTimeout(() => void queryClient.invalidateQueries({ queryKey: key }), 1_200)
}
