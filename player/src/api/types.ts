/**
 * The shapes of Segue's own HTTP interface (`/api`), as `docs/api.md` writes them.
 *
 * Names are the wire's names (snake_case), so a value read from the server is used as it is. Units end a name: `_ms`, `_s`,
 * `_bytes`, `_db`. Instants are RFC 3339 strings in UTC. Absent values are `null`, never missing.
 */

/** 22 base62 characters; a library's id is a small integer instead. */
export type Id = string
export type LibraryId = number
/** RFC 3339, UTC. */
export type Instant = string

export interface Credit {
  id: Id
  name: string
}

export interface ReplayGain {
  track_gain_db: number | null
  track_peak: number | null
  album_gain_db: number | null
  album_peak: number | null
}

export interface Track {
  id: Id
  title: string
  artist: string
  artists: Credit[]
  release: string | null
  release_id: Id | null
  release_artist: string | null
  art: string | null
  disc: number | null
  number: number | null
  year: number | null
  genres: string[]
  duration_ms: number
  suffix: string
  content_type: string
  codec: string | null
  bitrate_kbps: number | null
  sample_rate_hz: number | null
  channels: number | null
  bit_depth: number | null
  size_bytes: number
  replaygain: ReplayGain
  /** Gapless trims in samples; 0 where unknown. */
  delay_samples: number
  padding_samples: number
  has_lyrics: boolean
  explicit: boolean | null
  isrc: string | null
  mbid: string | null
  path: string
  library_id: LibraryId
  folder_id: Id | null
  added_at: Instant
  missing: boolean
  liked_at: Instant | null
  /** 0..5, 0 for none. */
  rating: number
  play_count: number
  last_played_at: Instant | null
}

export interface TrackSound {
  tempo_bpm: number | null
  /** 0 is C, upwards by semitones. */
  key: number | null
  /** 1 major, 0 minor. */
  mode: number | null
  energy: number | null
}

/** A track of `GET /api/tracks`: null until it was analysed. */
export interface ListedTrack extends Track {
  sound?: TrackSound | null
}

export interface Release {
  id: Id
  title: string
  artist: string
  artists: Credit[]
  art: string | null
  year: number | null
  date: string | null
  original_date: string | null
  genres: string[]
  track_count: number
  duration_ms: number
  compilation: boolean
  disc_count: number
  library_id: LibraryId
  folder_id: Id | null
  mbid: string | null
  added_at: Instant
  liked_at: Instant | null
  rating: number
  play_count: number
  last_played_at: Instant | null
}

export interface Artist {
  id: Id
  name: string
  sort_name: string
  art: string | null
  release_count: number
  track_count: number
  mbid: string | null
  liked_at: Instant | null
  rating: number
}

export interface Playlist {
  id: Id
  name: string
  comment: string | null
  public: boolean
  owner: string
  owner_id: Id
  editable: boolean
  track_count: number
  duration_ms: number
  art: string | null
  created_at: Instant
  changed_at: Instant
}

export interface Page<T> {
  items: T[]
  total: number
}

export interface Session {
  user: { id: Id; name: string; admin: boolean }
  csrf: string
  server: { name: string; version: string }
}

export interface Home {
  continue: Release[]
  recent: Release[]
  newest: Release[]
  favourites: Release[]
  frequent: Release[]
  random: Release[]
}

export interface ArtistPage {
  artist: Artist
  releases: Release[]
  appearances: Release[]
  top: Track[]
  /** By sound, then by genres. */
  related: Artist[]
}

export interface ReleasePage {
  release: Release
  tracks: Track[]
  disc_titles: Record<string, string>
}

export interface LyricsLine {
  start_ms: number | null
  text: string
}

export interface Lyrics {
  language: string | null
  synced: boolean
  offset_ms: number
  lines: LyricsLine[]
}

export interface Genre {
  name: string
  release_count: number
  track_count: number
}

export interface FolderRoot {
  library_id: LibraryId
  name: string
  folder_id: Id
}

export interface FolderPage {
  folder: { id: Id; name: string; path: string; parent_id: Id | null; library_id: LibraryId }
  folders: { id: Id; name: string; track_count: number }[]
  tracks: Track[]
  total: number
}

export interface Matches {
  artists: Artist[]
  releases: Release[]
  tracks: Track[]
}

export interface StoredQueue {
  track_ids: Id[]
  index: number
  position_ms: number
  changed_at: Instant | null
  changed_by: string | null
  tracks?: Track[]
}

/* ---------------------------------------------------------------- listening */

export type EventKind =
  | 'started'
  | 'paused'
  | 'resumed'
  | 'seeked'
  | 'progressed'
  | 'ended'
  | 'scrobbled'
  | 'liked'
  | 'unliked'
  | 'rated'
  | 'saved'
  | 'removed'
  | 'hidden'
  | 'unhidden'
  | 'searched'
  | 'shown'

/** The kinds a person's own act gives, outside of playing: what `player.emit` takes. */
export type ActKind = 'liked' | 'unliked' | 'rated' | 'hidden' | 'unhidden' | 'searched' | 'saved' | 'removed'

export type SubjectType = 'track' | 'release' | 'artist' | 'playlist'

export interface Subject {
  type: SubjectType
  id: Id
}

/** Where a play came from. One of these at most. */
export interface EventContext {
  slate_id?: Id
  rank?: number
  playlist_id?: Id
  release_id?: Id
  search?: string
  radio?: string
}

export type Outcome = 'finished' | 'skipped' | 'stopped' | 'error' | 'unknown'

export interface PlayerEvent {
  event_id: string
  kind: EventKind
  at: Instant
  subject?: Subject
  session_id?: string
  device_id?: string
  play_id?: string
  utc_offset_min?: number
  position_ms?: number
  played_ms?: number
  outcome?: Outcome
  reason?: string
  rating?: number
  context?: EventContext
  client?: string
  private?: boolean
}

export interface EventBatchAnswer {
  accepted: string[]
  rejected: { event_id: string; error: string }[]
}

export interface Reason {
  code: string
  text: string
  evidence: unknown
}

export interface SlateItem {
  track: Track
  score: number
  source: string
  reasons: Reason[]
}

export interface Slate {
  id: Id
  generation: string | null
  degraded: string[]
  message: string | null
  items: SlateItem[]
}

export interface NextQuery {
  n: number
  seeds?: Id[]
  context?: { queue?: Id[]; skipped?: Id[]; session_id?: string }
  discovery?: number
  exclude?: Id[]
}

/** One place in the play queue. `key` is unique in the queue, so that one track may stand in it twice. */
export interface QueueItem {
  key: string
  track: Track
  context: EventContext | null
  /** `radio` and `next` were appended by Segue; `reasons` say why. */
  origin: 'chosen' | 'radio' | 'next'
  reasons?: Reason[]
}

/* ---------------------------------------------------- settings and administration */

export interface Preferences {
  autoplay: boolean
  /** 0 familiar .. 1 new to you. */
  discovery: number
  replaygain: 'track' | 'album' | 'off'
  crossfade_s: number
  /** `null`: as the file is. */
  max_bitrate_kbps: number | null
  transcode_format: 'opus' | 'mp3' | 'aac' | 'flac'
  theme: 'system' | 'light' | 'dark'
  /** By whose clock an imported history counts. */
  timezone?: string | null
}

export interface Token {
  id: Id
  name: string
  kind: 'app' | 'api'
  scopes: string[]
  created_at: Instant
  last_used_at: Instant | null
  last_client: string | null
  /** Null: never. */
  expires_at: Instant | null
}

export interface NewToken extends Token {
  /** Shown this once. */
  secret: string
}

export interface ConnectInfo {
  server_url: string
  user: string
  apps: { name: string; platforms: string[] | string; how: string }[]
}

export interface User {
  id: Id
  name: string
  admin: boolean
  created_at: Instant
  libraries: LibraryId[]
}

export interface Library {
  id: LibraryId
  name: string
  path: string | null
  everyone: boolean
  users: Id[] | null
  track_count: number
  missing_count: number
  scanned_at: Instant | null
}

export interface ScanReport {
  tracks: number
  added: number
  changed: number
  moved: number
  missing: number
  unchanged: number
  seconds: number
}

export interface Scan {
  state: 'idle' | 'running'
  library: string | null
  phase: string | null
  files_seen: number
  files_done: number
  files_total: number | null
  rate_per_s: number | null
  eta_s: number | null
  started_at: Instant | null
  last: Partial<ScanReport> | null
}

export interface Finding {
  path: string
  kind: string
  message: string
  library_id: LibraryId | null
  found_at: Instant | null
}

export interface FindingsPage extends Page<Finding> {
  kinds: Record<string, number>
}

/* ---------------------------------------------------------------- the past */

/** Something heard that is not in the library, or was found there later (`track_id`). */
export interface External {
  id: Id
  artist: string
  title: string
  release: string | null
  type: string
  track_id: Id | null
  confidence: number | null
  method: string | null
  listens: number
}

/** `track` and `external` are both null when the track is gone or was never granted. */
export interface Listen {
  id: Id
  track: Track | null
  external: External | null
  listened_at: Instant
  played_ms: number | null
  outcome: Outcome | null
  counted: boolean
  imported: boolean
  device_id: string | null
  client: string | null
  utc_offset_min: number | null
}

export interface ListensPage {
  items: Listen[]
  /** The `before` of the next page; null at the end. */
  next: Id | null
  /** Listens ever, whatever the search. */
  total: number
}

export interface Top {
  id: Id | null
  name: string
  artist: string | null
  art: string | null
  track: Track | null
  external_id: Id | null
  listens: number
  ms: number
}

export interface StatsDay {
  /** `2026-11-21`, by the listener's clock. */
  date: string
  listens: number
  ms: number
}

export interface Stats {
  period: string
  first: string
  last: string
  listens: number
  skips: number
  ms: number
  distinct: { tracks: number; artists: number; releases: number; genres: number }
  discoveries: { tracks: number; artists: number; releases: number }
  streak: { current: number; longest: number }
  top: { tracks: Top[]; artists: Top[]; releases: Top[]; genres: Top[] }
  /** Listens by hour of the week: 168, Monday midnight first. */
  hours: number[]
  /** Days with listens only, earliest first. */
  days: StatsDay[]
  years: { year: string; listens: number }[]
}

export type ImportService = 'spotify' | 'listenbrainz' | 'lastfm'

export interface Import {
  id: Id
  service: ImportService
  state: 'waiting' | 'running' | 'done' | 'failed' | 'cancelled'
  read: number
  new: number
  matched: number
  unmatched: number
  refused: number
  /** Of what could not be read, and why. */
  examples: string[]
  bytes_done: number
  bytes_total: number
  error: string | null
  /** Null: UTC. */
  timezone?: string | null
  started_at: Instant
  ended_at: Instant | null
}

/* ---------------------------------------------------------------- sound */

export interface SoundValue {
  value: number
  /** 0..1 */
  confidence: number
  origin: 'measured' | 'corrected'
  /** Share of the library, 0..100, with a smaller value; null where it is not told. */
  percentile: number | null
  /** What a correction stands in the place of. */
  measured: number | null
}

/** Sections of one label sound alike. `energy` is 0..1, beside the loudest of the track. */
export interface SoundSection {
  start_s: number
  end_s: number
  label: string
  energy: number
}

export interface Analysis {
  state: 'pending' | 'done' | 'failed'
  version: number | null
  error: string | null
  values: Record<string, SoundValue>
  camelot: string | null
  tags: { name: string; probability: number }[]
  tagger: string | null
  beats_s: number[]
  downbeats_s: number[]
  sections: SoundSection[]
  /** Up to 800 peaks of equal stretches of the whole file, 0..255. */
  waveform: number[]
  findings: { kind: string; message: string }[]
  /** Other tracks that are the same recording. */
  duplicates: Id[]
}

export interface Alike {
  space: string | null
  items: { track: Track; similarity: number }[]
}

export type MixSeed = 'track' | 'release' | 'artist' | 'genre' | 'folder'

/** Tracks in the order to play them. */
export interface Mix {
  /** Some came by tags or by chance: the beginning was not heard yet, or too little is near. */
  fell_back: boolean
  items: { track: Track; similarity: number | null }[]
}

export interface AnalysisStatus {
  state: 'off' | 'idle' | 'running' | 'paused' | 'waiting'
  total: number
  done: number
  failed: number
  left: number
  tracks_per_hour: number | null
  left_s: number | null
  encoder: string
  serving: string | null
  note: string
}

/** Every track a point, -1..1 both ways; `genre` is an index into `genres`, -1 for none. */
export interface LibraryMap {
  space: string | null
  state: 'ready' | 'pending'
  ids: Id[]
  x: number[]
  y: number[]
  genre: number[]
  genres: string[]
}

export interface DuplicateGroup {
  group_id: number | string
  tracks: { track: Track; similarity: number; preferred: boolean }[]
}
