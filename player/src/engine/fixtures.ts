/** Tracks for tests. */
import type { Track } from '../api/types'

export function track(id: string, change: Partial<Track> = {}): Track {
  return {
    id,
    title: `Title ${id}`,
    artist: 'Somebody',
    artists: [{ id: 'artist', name: 'Somebody' }],
    release: 'A Release',
    release_id: 'release',
    release_artist: 'Somebody',
    art: null,
    disc: 1,
    number: 1,
    year: 2001,
    genres: [],
    duration_ms: 180_000,
    suffix: 'flac',
    content_type: 'audio/flac',
    codec: 'flac',
    bitrate_kbps: 900,
    sample_rate_hz: 44_100,
    channels: 2,
    bit_depth: 16,
    size_bytes: 20_000_000,
    replaygain: { track_gain_db: null, track_peak: null, album_gain_db: null, album_peak: null },
    delay_samples: 0,
    padding_samples: 0,
    has_lyrics: false,
    explicit: null,
    isrc: null,
    mbid: null,
    path: `${id}.flac`,
    library_id: 1,
    folder_id: null,
    added_at: '2026-01-01T00:00:00.000Z',
    missing: false,
    liked_at: null,
    rating: 0,
    play_count: 0,
    last_played_at: null,
    ...change,
  }
}

/** A stand-in for chance that always gives the same numbers. */
export function seeded(seed = 7): () => number {
  let state = seed
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    return state / 2 ** 32
  }
}
