/** Makes an event whole: its id, its time, who and where. */
import type { PlayerEvent } from '../api/types'
import { deviceId, newId, sessionId } from './ids'

export type Told = Pick<PlayerEvent, 'kind'> & Partial<PlayerEvent>

export function stamp(event: Told, isPrivate: boolean, now = new Date()): PlayerEvent {
  return {
    event_id: newId(),
    at: now.toISOString(),
    session_id: sessionId(),
    device_id: deviceId(),
    utc_offset_min: -now.getTimezoneOffset(),
    client: 'segue-player',
    ...event,
    ...(isPrivate ? { private: true } : {}),
  }
}
