/** An invented library and the answers about it. For development only; nothing here ships. */
const N = Number(process.env.TRACKS ?? 100_000)
const one = [
  'Glass',
  'Paper',
  'Slow',
  'Northern',
  'Electric',
  'Amber',
  'Hollow',
  'Velvet',
  'Distant',
  'Salt',
  'Winter',
  'Copper',
  'Silent',
  'Golden',
  'Little',
  'Second',
]
const two = [
  'Harbour',
  'Signal',
  'Garden',
  'Machine',
  'Tide',
  'Orchard',
  'Letters',
  'Avenue',
  'Ghosts',
  'Meridian',
  'Lantern',
  'Country',
  'Mirror',
  'Parade',
  'Static',
  'Weather',
]
const names = [
  'Ida Marlow',
  'The Low Tides',
  'Kestrel & Co.',
  'Nils Ahlberg Trio',
  'Moth Choir',
  'Åsa Lind',
  'Paper Cranes',
  'DJ Quern',
  '東京小夜曲',
  'Ensemble Variant',
  'Rosa del Río',
  'Big Hollow',
  'Yara Okafor',
  'Tin Cathedral',
  'The Understudies',
  'Zéphyr',
  '4 Corners',
  'Hanna Weiss',
]
const genres = [
  'Ambient',
  'Jazz',
  'Indie folk',
  'Techno',
  'Classical',
  'Dream pop',
  'Hip-hop',
  'Soul',
  'Post-rock',
  'Bossa nova',
  'Drum & bass',
  'J. Pop',
]
const id = (kind, n) => (kind + n.toString(36)).padEnd(22, '0')
const number = (text) => parseInt(text.slice(1).replace(/0+$/, '') || '0', 36)
const day = (n) => new Date(Date.UTC(2026, 10, 20) - n * 3_600_000 * 7).toISOString()
const A = names.length * 8
const R = Math.max(40, Math.floor(N / 11))
const acts = new Map()
const artistName = (n) => names[n % names.length] + (n >= names.length ? ` ${Math.floor(n / names.length) + 1}` : '')
const artOf = (n) => (n % 5 === 3 ? null : `art${n % 400}`)
const credit = (n) => ({ id: id('a', n), name: artistName(n) })
const standing = (key, liked) => ({
  liked_at: acts.get(key)?.liked ?? (liked ? day(3) : null),
  rating: acts.get(key)?.rating ?? 0,
})

function artist(n) {
  return {
    id: id('a', n),
    name: artistName(n),
    sort_name: artistName(n),
    art: artOf(n * 7),
    release_count: 1 + (n % 9),
    track_count: 8 + (n % 80),
    mbid: null,
    ...standing(id('a', n), n % 7 === 0),
  }
}
function release(n) {
  const a = n % A
  const year = 1962 + ((n * 13) % 64)
  return {
    id: id('r', n),
    title: `${one[n % 16]} ${two[(n * 7 + (n >> 4)) % 16]}${n % 11 === 0 ? ' (Original Motion Picture Soundtrack, Deluxe Edition)' : ''}`,
    artist: n % 9 === 0 ? `${artistName(a)} feat. ${artistName((a + 3) % A)}` : artistName(a),
    artists: n % 9 === 0 ? [credit(a), credit((a + 3) % A)] : [credit(a)],
    art: artOf(n),
    year,
    date: `${year}-03-01`,
    original_date: null,
    genres: [genres[n % 12], genres[(n * 5 + 1) % 12]],
    track_count: 11,
    duration_ms: 11 * 221_000,
    compilation: n % 17 === 0,
    disc_count: n % 6 === 1 ? 2 : 1,
    library_id: 1,
    folder_id: id('f', 3),
    mbid: null,
    added_at: day(n),
    ...standing(id('r', n), n % 8 === 0),
    play_count: n % 5 ? n % 40 : 0,
    last_played_at: day(n),
  }
}
function track(n) {
  const r = Math.floor(n / 11) % R
  const on = release(r)
  const duration = 95_000 + ((n * 7919) % 300) * 1000
  return {
    id: id('t', n),
    title: `${two[(n * 5) % 16]} of ${one[(n * 3 + 1) % 16]}${n % 23 === 4 ? ' (a very long title which should be cut off politely when there is no room for it)' : ''}`,
    artist: on.artist,
    artists: on.artists,
    release: on.title,
    release_id: on.id,
    release_artist: on.artist,
    art: on.art,
    disc: on.disc_count > 1 && n % 11 > 5 ? 2 : 1,
    number: (n % 11) + 1,
    year: on.year,
    genres: on.genres,
    duration_ms: duration,
    suffix: 'flac',
    content_type: 'audio/flac',
    codec: 'flac',
    bitrate_kbps: 912,
    sample_rate_hz: 44100,
    channels: 2,
    bit_depth: 16,
    size_bytes: 24_000_000,
    replaygain: { track_gain_db: -6.2, track_peak: 0.98, album_gain_db: -6, album_peak: 0.99 },
    delay_samples: 0,
    padding_samples: 0,
    has_lyrics: n % 3 === 0,
    explicit: n % 19 === 0,
    isrc: null,
    mbid: null,
    path: `${on.artist}/${on.title}/${n}.flac`,
    library_id: 1,
    folder_id: id('f', 3),
    added_at: day(n),
    missing: n % 41 === 40,
    ...standing(id('t', n), n % 6 === 0),
    play_count: n % 4 ? n % 60 : 0,
    last_played_at: day(n),
  }
}
const lists = [...Array(5)].map((_, n) => ({
  id: id('p', n + 1),
  name: ['Morning coffee', 'Late trains', 'Running, slowly', 'For Ada', 'Everything with strings'][n],
  comment: n === 0 ? 'Gentle things before nine.' : null,
  public: n % 2 === 1,
  owner: n === 4 ? 'ada' : 'robin',
  owner_id: id('u', n === 4 ? 2 : 1),
  editable: n !== 4,
  art: n === 2 ? null : artOf(n),
  created_at: day(40),
  changed_at: day(n * 6),
  tracks: [...Array(12 + n * 9)].map((_, at) => at * 37 + n),
}))
const shown = ({ tracks, ...rest }) => ({
  ...rest,
  track_count: tracks.length,
  duration_ms: tracks.reduce((sum, n) => sum + track(n).duration_ms, 0),
})
let removed = null
let preferences = {
  autoplay: true,
  discovery: 0.3,
  replaygain: 'album',
  crossfade_s: 0,
  max_bitrate_kbps: null,
  transcode_format: 'opus',
  theme: 'system',
}
let signedIn = true
let tokens = [
  {
    id: id('k', 1),
    name: 'Phone',
    kind: 'app',
    scopes: [],
    created_at: day(300),
    last_used_at: day(2),
    last_client: 'Symfonium',
    expires_at: null,
  },
]
let libraries = [
  { id: 1, name: 'Music', path: '/srv/music', everyone: true, users: [], track_count: N, missing_count: 12, scanned_at: day(1) },
  {
    id: 2,
    name: 'Live recordings',
    path: '/srv/live',
    everyone: false,
    users: [id('u', 1)],
    track_count: 812,
    missing_count: 0,
    scanned_at: day(1),
  },
]
let users = [
  { id: id('u', 1), name: 'robin', admin: true, created_at: day(900), libraries: [1, 2] },
  { id: id('u', 2), name: 'ada', admin: false, created_at: day(100), libraries: [1] },
]
const session = { user: { id: id('u', 1), name: 'robin', admin: true }, csrf: 'c', server: { name: 'Segue', version: '0.1.0' } }
const some = (make, from, n, step = 7) => [...Array(n)].map((_, at) => make(from + at * step))
const error = (status, code, message) => ({ status, body: { error: { code, message } } })

function cover(name) {
  const n = Number(name.slice(3))
  const h = (n * 67) % 360
  const shapes = [...Array(5)]
    .map(
      (_, at) =>
        `<circle cx="${(n * (at + 3) * 37) % 300}" cy="${(n * (at + 5) * 53) % 300}" r="${40 + ((n * (at + 2)) % 90)}" fill="hsl(${(h + at * 28) % 360} 62% ${28 + at * 11}%)" opacity=".8"/>`,
    )
    .join('')
  return {
    headers: { 'Content-Type': 'image/svg+xml' },
    raw: `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 300 300" width="300" height="300"><rect width="300" height="300" fill="hsl(${h} 55% 42%)"/>${shapes}</svg>`,
  }
}

/** Thirty quiet seconds of one note. */
function tone(n) {
  const rate = 8000
  const samples = rate * 30
  const wav = Buffer.alloc(44 + samples * 2)
  wav.write('RIFF', 0)
  wav.writeUInt32LE(36 + samples * 2, 4)
  wav.write('WAVEfmt ', 8)
  wav.writeUInt32LE(16, 16)
  wav.writeUInt16LE(1, 20)
  wav.writeUInt16LE(1, 22)
  wav.writeUInt32LE(rate, 24)
  wav.writeUInt32LE(rate * 2, 28)
  wav.writeUInt16LE(2, 32)
  wav.writeUInt16LE(16, 34)
  wav.write('data', 36)
  wav.writeUInt32LE(samples * 2, 40)
  for (let at = 0; at < samples; at += 1)
    wav.writeInt16LE(Math.round(2000 * Math.sin((at / rate) * 6.283 * (220 + (n % 12) * 20))), 44 + at * 2)
  return { headers: { 'Content-Type': 'audio/wav', 'Content-Length': wav.length }, raw: wav }
}

export function answer(method, path, params, body, headers) {
  const page = (make, total) => {
    const offset = Number(params.get('offset') ?? 0)
    const limit = Math.min(500, Number(params.get('limit') ?? 50))
    return { body: { items: [...Array(Math.max(0, Math.min(limit, total - offset)))].map((_, at) => make(offset + at)), total } }
  }
  const [head, key, rest] = path.split('/')
  if (head === 'art') return cover(key)
  if (head === 'session') {
    if (method === 'POST') {
      if (body.password !== 'music') return error(401, 'unauthenticated', 'Wrong name or password.')
      signedIn = true
      return { status: 201, body: session }
    }
    if (method === 'DELETE') return ((signedIn = false), { status: 204 })
    return signedIn ? { body: session } : error(401, 'unauthenticated', 'Sign in.')
  }
  if (!signedIn) return error(401, 'unauthenticated', 'Sign in.')
  if (method !== 'GET' && headers['x-segue-csrf'] !== 'c') return error(403, 'forbidden', 'The CSRF header is missing.')
  if (head === 'home')
    return {
      body: {
        continue: some(release, 2, 4),
        recent: some(release, 5, 20),
        newest: some(release, 1, 20, 3),
        favourites: some(release, 8, 14, 8),
        frequent: some(release, 30, 20),
        random: some(release, 90, 20, 11),
      },
    }
  if (head === 'artists' && key)
    return {
      body: {
        artist: artist(number(key)),
        releases: some(release, number(key), 7, A),
        appearances: some(release, 3, 5),
        top: some(track, number(key) * 11, 9, 1),
      },
    }
  if (head === 'artists') return params.get('initial') ? page((n) => artist(n * 3), 9) : page(artist, A)
  if (head === 'releases' && key) {
    const n = number(key)
    if (n >= R) return error(404, 'not_found', 'There is no such release.')
    return {
      body: {
        release: release(n),
        tracks: some(track, n * 11, 11, 1),
        disc_titles: release(n).disc_count > 1 ? { 2: 'Live at the Harbour' } : {},
      },
    }
  }
  if (head === 'releases') return page(release, params.get('genre') ? 60 : R)
  if (head === 'tracks' && rest === 'lyrics')
    return {
      body: {
        items: [
          {
            language: 'en',
            synced: true,
            offset_ms: 0,
            lines: [...Array(20)].map((_, at) => ({
              start_ms: at * 5000,
              text: `${one[at % 16]} ${two[at % 16]}, over and over`,
            })),
          },
        ],
      },
    }
  if (head === 'tracks' && rest === 'stream') return tone(number(key))
  if (head === 'tracks' && key && !rest) return { body: track(number(key)) }
  if (head === 'tracks' && !key) return page(track, params.get('liked') ? 40 : N)
  if (head === 'genres')
    return {
      body: {
        items: genres.map((name, n) => ({ name, release_count: 12 + n, track_count: 130 + n * 41 })),
        total: genres.length,
      },
    }
  if (head === 'folders' && !key)
    return { body: { items: libraries.map((each) => ({ library_id: each.id, name: each.name, folder_id: id('f', each.id) })) } }
  if (head === 'folders')
    return {
      body: {
        folder: { id: key, name: 'Ida Marlow', path: 'A–M/Ida Marlow', parent_id: id('f', 2), library_id: 1 },
        folders: ['1998 Glass Harbour', '2004 Salt Letters', 'Live'].map((name, n) => ({
          id: id('f', 10 + n),
          name,
          track_count: 11 * (n + 1),
        })),
        tracks: some(track, 22, 6, 1),
        total: 6,
      },
    }
  if (head === 'search')
    return params.get('q') === 'zzz'
      ? { body: { artists: [], releases: [], tracks: [] } }
      : { body: { artists: some(artist, 2, 5), releases: some(release, 6, 12), tracks: some(track, 12, 20, 13) } }
  if (head === 'favourites')
    return { body: { artists: some(artist, 0, 6), releases: some(release, 0, 9, 8), tracks: some(track, 0, 26, 6) } }
  if (head === 'queue')
    return { body: { track_ids: [], index: 0, position_ms: 0, changed_at: null, changed_by: null, tracks: [] } }
  if (head === 'events' && method === 'POST') {
    for (const event of body.events) {
      const old = acts.get(event.subject?.id) ?? {}
      if (event.kind === 'rated') acts.set(event.subject.id, { ...old, rating: event.rating })
    }
    return { body: { accepted: body.events.map((each) => each.event_id), rejected: [] } }
  }
  if (head === 'next')
    return {
      body: {
        id: id('s', 1),
        generation: null,
        degraded: [],
        message: null,
        items: some(track, 500, 10, 17).map((each) => ({
          track: each,
          score: 0.5,
          source: 'kindred',
          reasons: [{ code: 'same_artist', text: 'Because you finished two songs of this artist', evidence: {} }],
        })),
      },
    }
  if (head === 'playlists') {
    const list = lists.find((each) => each.id === key)
    if (!key && method === 'GET') return { body: { items: lists.map(shown), total: lists.length } }
    if (!key) {
      const made = {
        id: id('p', lists.length + 20),
        name: body.name,
        comment: null,
        public: body.public ?? false,
        owner: 'robin',
        owner_id: id('u', 1),
        editable: true,
        art: null,
        created_at: day(0),
        changed_at: new Date().toISOString(),
        tracks: (body.track_ids ?? []).map(number),
      }
      lists.unshift(made)
      return { status: 201, body: shown(made) }
    }
    if (rest === 'restore') return (lists.unshift(removed), { body: shown(removed) })
    if (!list) return error(404, 'not_found', 'There is no such playlist.')
    if (rest === 'tracks')
      list.tracks = method === 'PUT' ? body.track_ids.map(number) : [...list.tracks, ...body.track_ids.map(number)]
    else if (method === 'PATCH') Object.assign(list, body)
    else if (method === 'DELETE') return ((removed = list), lists.splice(lists.indexOf(list), 1), { status: 204 })
    else return { body: { playlist: shown(list), tracks: list.tracks.map(track) } }
    return { body: shown(list) }
  }
  if (head === 'preferences')
    return method === 'PATCH' ? { body: (preferences = { ...preferences, ...body }) } : { body: preferences }
  if (head === 'password')
    return body.old === 'music' ? { status: 204 } : error(403, 'forbidden', 'The current password is wrong.')
  if (head === 'tokens') {
    if (method === 'DELETE') return ((tokens = tokens.filter((each) => each.id !== key)), { status: 204 })
    if (method === 'GET') return { body: { items: tokens } }
    const made = {
      id: id('k', tokens.length + 5),
      name: body.name,
      kind: body.kind,
      scopes: [],
      created_at: new Date().toISOString(),
      last_used_at: null,
      last_client: null,
      expires_at: body.expires_in_s ? new Date(Date.now() + body.expires_in_s * 1000).toISOString() : null,
    }
    tokens = [...tokens, made]
    return { status: 201, body: { ...made, secret: 'sgq-7Jm2-vXp9-Trw4-Lk8s' } }
  }
  if (head === 'connect')
    return {
      body: {
        server_url: 'https://music.example.org',
        user: 'robin',
        apps: [
          {
            name: 'Symfonium',
            platforms: ['Android'],
            how: 'Add a media provider, choose OpenSubsonic, and enter the three values.',
          },
          { name: 'Amperfy', platforms: ['iOS', 'macOS'], how: 'Enter the three values on the first screen.' },
          { name: 'Feishin', platforms: ['Windows', 'macOS', 'Linux'], how: 'Add a server of the kind Subsonic.' },
        ],
      },
    }
  if (head === 'users') return method === 'GET' ? { body: { items: users } } : { body: users[1] }
  if (head === 'libraries') return method === 'GET' ? { body: { items: libraries } } : { body: libraries[0] }
  if (head === 'scan')
    return process.env.SCANNING
      ? {
          body: {
            state: 'running',
            library: 'Music',
            phase: 'reading tags',
            files_seen: 48_211,
            files_done: 21_877,
            files_total: 48_211,
            rate_per_s: 5211.4,
            eta_s: 5,
            started_at: day(0),
            last: null,
          },
        }
      : {
          body: {
            state: 'idle',
            library: null,
            phase: null,
            files_seen: 0,
            files_done: 0,
            files_total: null,
            rate_per_s: null,
            eta_s: null,
            started_at: null,
            last: { tracks: N, added: 214, changed: 12, moved: 3, missing: 12, unchanged: N - 229, seconds: 8.2 },
          },
        }
  if (head === 'findings')
    return (
      page(
        (n) => ({
          path: `Various/Old tapes/${n} - ${two[n % 16]}.mp3`,
          kind: n % 3 ? 'unreadable' : 'no_tags',
          message:
            n % 3
              ? 'The file ends in the middle of a frame. Copy it again from where it came.'
              : 'It has no title. Segue shows the file’s name instead.',
          library_id: 1,
          found_at: day(n),
        }),
        14,
      ) && {
        body: {
          ...page(
            (n) => ({
              path: `Various/Old tapes/${n} - ${two[n % 16]}.mp3`,
              kind: n % 3 ? 'unreadable' : 'no_tags',
              message:
                n % 3
                  ? 'The file ends in the middle of a frame. Copy it again from where it came.'
                  : 'It has no title. Segue shows the file’s name instead.',
              library_id: 1,
              found_at: day(n),
            }),
            14,
          ).body,
          kinds: { unreadable: 9, no_tags: 5 },
        },
      }
    )
  return error(404, 'not_found', `No fixture for ${method} ${path}`)
}
