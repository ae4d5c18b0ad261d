/** What the context menus offer, for each kind of thing. */
import {
  AudioWaveform,
  Ban,
  Blend,
  CornerDownRight,
  Disc3,
  Download,
  Heart,
  HeartOff,
  ListMusic,
  ListPlus,
  Mic2,
  Play,
  Radio,
  Trash2,
} from 'lucide-react'
import { api, apiUrl } from '../api/client'
import { artistQuery, playlistQuery, queryClient, releaseQuery } from '../api/queries'
import type { Artist, EventContext, Id, MixSeed, Page, Playlist, Release, SubjectType, Track } from '../api/types'
import { player } from '../engine'
import { plural } from '../format'
import { go } from '../shell/navigation'
import type { MenuItem } from '../ui/menus'
import { toast } from '../ui/toasts'
import { setHidden, setLiked, setRating } from './acts'
import { addToPlaylist } from './addToPlaylist'
import { startMix } from './mixes'
import { standing } from './store'

type Load = () => Promise<Track[]>

function after(load: Load, run: (tracks: Track[]) => void): () => void {
  return () => {
    load().then(
      (tracks) => {
        const playable = tracks.filter((track) => !track.missing)
        if (playable.length > 0) run(playable)
        else toast('There is nothing to play here.')
      },
      (error: unknown) => toast(error instanceof Error ? error.message : 'That did not work.', { tone: 'bad' }),
    )
  }
}

interface Seed {
  type: MixSeed
  id: Id
  name: string
}

function playing(load: Load, context: EventContext | undefined, seed?: Seed): MenuItem[] {
  return [
    { label: 'Play', icon: Play, onSelect: after(load, (tracks) => player.playTracks(tracks, 0, context)) },
    {
      label: 'Play next',
      icon: CornerDownRight,
      onSelect: after(load, (tracks) => {
        player.playNext(tracks, context)
        toast(tracks.length === 1 ? `“${tracks[0]?.title}” plays next.` : `${plural(tracks.length, 'track')} play next.`)
      }),
    },
    {
      label: 'Add to queue',
      icon: ListPlus,
      onSelect: after(load, (tracks) => {
        player.enqueue(tracks, context)
        toast(`${plural(tracks.length, 'track')} added to the queue.`)
      }),
    },
    { label: 'Start radio', icon: Radio, onSelect: after(load, (tracks) => player.startRadio(tracks.slice(0, 5))) },
    ...(seed ? [{ label: 'Start a mix', icon: Blend, onSelect: () => startMix(seed.type, seed.id, seed.name) }] : []),
    { kind: 'separator' },
    { label: 'Add to playlist…', icon: ListMusic, onSelect: after(load, addToPlaylist) },
  ]
}

function judging(type: SubjectType, entity: { id: string; liked_at: string | null; rating: number }, name: string): MenuItem[] {
  const now = standing(entity)
  return [
    {
      label: now.liked ? 'Unlike' : 'Like',
      icon: now.liked ? HeartOff : Heart,
      onSelect: () => setLiked(type, entity, !now.liked),
    },
    { kind: 'rating', value: now.rating, onRate: (value) => setRating(type, entity, value) },
    {
      label: now.hidden ? 'Let Segue choose it again' : 'Do not choose this again',
      icon: Ban,
      onSelect: () => setHidden(type, entity, name, !now.hidden),
    },
  ]
}

export interface TrackMenuOptions {
  context?: EventContext | undefined
  remove?: (() => void) | undefined
  extra?: MenuItem[]
}

/** `tracks` are those at hand (they decide what is offered), `load` brings all of them. */
export function trackMenu(tracks: Track[], load: Load, { context, remove, extra = [] }: TrackMenuOptions = {}): MenuItem[] {
  const track = tracks.length === 1 ? tracks[0] : undefined
  const items = playing(load, context, track && { type: 'track', id: track.id, name: track.title })
  if (track) {
    items.push({ kind: 'separator' }, ...judging('track', track, track.title), { kind: 'separator' })
    items.push({ label: 'About this track', icon: AudioWaveform, onSelect: () => go(`/tracks/${track.id}`) })
    if (track.release_id) items.push({ label: 'Go to release', icon: Disc3, onSelect: () => go(`/releases/${track.release_id}`) })
    for (const credit of track.artists.slice(0, 3)) {
      const label = track.artists.length > 1 ? `Go to ${credit.name}` : 'Go to artist'
      items.push({ label, icon: Mic2, onSelect: () => go(`/artists/${credit.id}`) })
    }
    items.push({ label: 'Download', icon: Download, onSelect: () => download(track) })
  }
  items.push({ kind: 'separator' }, ...extra)
  if (remove) items.push({ label: 'Remove from this playlist', icon: Trash2, danger: true, onSelect: remove })
  return items
}

export function releaseMenu(release: Release): MenuItem[] {
  const items = playing(() => releaseTracks(release.id), { release_id: release.id }, { type: 'release', id: release.id, name: release.title })
  items.push({ kind: 'separator' }, ...judging('release', release, release.title), { kind: 'separator' })
  items.push({ label: 'Go to release', icon: Disc3, onSelect: () => go(`/releases/${release.id}`) })
  for (const credit of release.artists.slice(0, 3)) {
    items.push({ label: `Go to ${credit.name}`, icon: Mic2, onSelect: () => go(`/artists/${credit.id}`) })
  }
  return items
}

export function artistMenu(artist: Artist): MenuItem[] {
  return [
    ...playing(() => artistTracks(artist.id), undefined, { type: 'artist', id: artist.id, name: artist.name }),
    { kind: 'separator' },
    ...judging('artist', artist, artist.name),
    { kind: 'separator' },
    { label: 'Go to artist', icon: Mic2, onSelect: () => go(`/artists/${artist.id}`) },
  ]
}

export function playlistMenu(playlist: Playlist, extra: MenuItem[] = []): MenuItem[] {
  return [...playing(() => playlistTracks(playlist.id), { playlist_id: playlist.id }), { kind: 'separator' }, ...extra]
}

export async function releaseTracks(id: string): Promise<Track[]> {
  return (await queryClient.fetchQuery(releaseQuery(id))).tracks
}

export async function playlistTracks(id: string): Promise<Track[]> {
  return (await queryClient.fetchQuery(playlistQuery(id))).tracks
}

/** The artist's own releases in their order, at most twenty of them; else the tracks of theirs played most. */
export async function artistTracks(id: string): Promise<Track[]> {
  const page = await queryClient.fetchQuery(artistQuery(id))
  const lists = await Promise.all(page.releases.slice(0, 20).map((release) => releaseTracks(release.id)))
  const tracks = lists.flat()
  return tracks.length > 0 ? tracks : page.top
}

export async function genreTracks(genre: string): Promise<Track[]> {
  return (await api.get<Page<Track>>('tracks', { genre, sort: 'random', limit: 100 })).items
}

function download(track: Track): void {
  const link = document.createElement('a')
  link.href = apiUrl(`tracks/${track.id}/file`)
  link.download = ''
  link.click()
}
