/** Mixes and paths by sound: the server chooses, the player plays them at once. */
import { api } from '../api/client'
import type { Id, Mix, MixSeed, Track } from '../api/types'
import { player } from '../engine'
import { plural } from '../format'
import { toast } from '../ui/toasts'

const TRACKS = 50

/** Tracks that sound like a thing; `id` of a genre is its name. `name` is what the message calls it. */
export function startMix(type: MixSeed, id: Id, name: string): void {
  api.get<Mix>('mix', { type, id, n: TRACKS }).then(
    (mix) => {
      if (!play(mix)) toast(`Nothing that goes with “${name}” was found.`)
      else toast(`${plural(mix.items.length, 'track')} like “${name}”${how(mix)}.`)
    },
    (error: unknown) => toast(error instanceof Error ? error.message : 'The mix could not start.', { tone: 'bad' }),
  )
}

function how(mix: Mix): string {
  if (!mix.fell_back) return ''
  return mix.items.some((item) => item.similarity !== null)
    ? '; where its sound found too few, by tags'
    : ', by tags alone: its sound was not heard yet'
}

/** Through `ids` (at most 100) in their order, with near tracks between: `n` in all, more where more are given. */
export async function pathAlong(ids: readonly Id[], n: number): Promise<Mix> {
  return api.post<Mix>('path', { tracks: ids, n })
}

/** Plays what there is; false where there is nothing. */
export function play(mix: Mix): boolean {
  const tracks: Track[] = mix.items.map((item) => item.track).filter((track) => !track.missing)
  if (tracks.length > 0) player.playTracks(tracks)
  return tracks.length > 0
}
