/** Why a track did not come: asked once, before it is passed over. */
import { api, ApiError } from '../api/client'
import type { Id, Track } from '../api/types'

export type Trouble = 'unreachable' | 'signed out' | 'gone' | 'broken'

export async function diagnose(id: Id): Promise<Trouble> {
  try {
    const track = await api.get<Track>(`tracks/${encodeURIComponent(id)}`)
    return track.missing ? 'gone' : 'broken'
  } catch (error) {
    if (!(error instanceof ApiError)) return 'broken'
    if (error.status === 401) return 'signed out'
    if (error.status === 404) return 'gone'
    return error.transient ? 'unreachable' : 'broken'
  }
}
