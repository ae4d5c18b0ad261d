/** Changes to playlists, each told to the server and to what is on screen. */
import { api } from '../api/client'
import { playlistQuery, playlistsQuery, queryClient, type PlaylistPage } from '../api/queries'
import type { Id, Playlist, Track } from '../api/types'
import { player } from '../engine'
import { plural } from '../format'
import { toast } from '../ui/toasts'

/** The server takes this many ids in one call. */
const BATCH = 500

function refresh(id?: Id): void {
  void queryClient.invalidateQueries({ queryKey: playlistsQuery.queryKey })
  if (id) void queryClient.invalidateQueries({ queryKey: playlistQuery(id).queryKey })
}

export async function createPlaylist(name: string, tracks: readonly Track[], isPublic = false): Promise<Playlist> {
  const made = await api.post<Playlist>('playlists', {
    name,
    public: isPublic,
    track_ids: tracks.slice(0, BATCH).map((track) => track.id),
  })
  if (tracks.length > BATCH) await append(made.id, tracks.slice(BATCH))
  saved(made.id, tracks)
  refresh(made.id)
  return made
}

async function append(id: Id, tracks: readonly Track[]): Promise<void> {
  for (let at = 0; at < tracks.length; at += BATCH) {
    await api.post(`playlists/${id}/tracks`, { track_ids: tracks.slice(at, at + BATCH).map((track) => track.id) })
  }
}

export async function addTracks(playlist: Playlist, tracks: readonly Track[]): Promise<void> {
  await append(playlist.id, tracks)
  saved(playlist.id, tracks)
  refresh(playlist.id)
  toast(`${plural(tracks.length, 'track')} added to “${playlist.name}”.`)
}

function saved(playlistId: Id, tracks: readonly Track[]): void {
  for (const track of tracks.slice(0, BATCH)) {
    player.emit('saved', { type: 'track', id: track.id }, { context: { playlist_id: playlistId } })
  }
}

/** Replaces the order, on screen at once; put back if the server refuses. */
export async function setTracks(page: PlaylistPage, tracks: Track[]): Promise<boolean> {
  const key = playlistQuery(page.playlist.id).queryKey
  const durationMs = tracks.reduce((sum, track) => sum + track.duration_ms, 0)
  queryClient.setQueryData(key, {
    playlist: { ...page.playlist, track_count: tracks.length, duration_ms: durationMs },
    tracks,
  })
  try {
    await api.put(`playlists/${page.playlist.id}/tracks`, { track_ids: tracks.map((track) => track.id) })
    void queryClient.invalidateQueries({ queryKey: playlistsQuery.queryKey })
    return true
  } catch (error) {
    queryClient.setQueryData(key, page)
    toast(error instanceof Error ? error.message : 'The playlist could not be changed.', { tone: 'bad' })
    return false
  }
}

export async function removeTracks(page: PlaylistPage, indices: number[]): Promise<void> {
  const gone = new Set(indices)
  const done = await setTracks(
    page,
    page.tracks.filter((_, index) => !gone.has(index)),
  )
  if (!done) return
  for (const index of indices.slice(0, BATCH)) {
    const track = page.tracks[index]
    if (track) player.emit('removed', { type: 'track', id: track.id }, { context: { playlist_id: page.playlist.id } })
  }
  toast(`${plural(indices.length, 'track')} removed.`, {
    action: { label: 'Undo', onSelect: () => void setTracks(page, page.tracks) },
  })
}

export async function changePlaylist(id: Id, change: { name?: string; comment?: string; public?: boolean }): Promise<void> {
  const playlist = await api.patch<Playlist>(`playlists/${id}`, change)
  queryClient.setQueryData(playlistQuery(id).queryKey, (old) => old && { ...old, playlist })
  refresh()
}

export async function deletePlaylist(playlist: Playlist): Promise<void> {
  await api.del(`playlists/${playlist.id}`)
  refresh()
  toast(`“${playlist.name}” is deleted.`, {
    action: {
      label: 'Undo',
      onSelect: () => {
        api.post(`playlists/${playlist.id}/restore`).then(
          () => refresh(playlist.id),
          (error: unknown) => toast(error instanceof Error ? error.message : 'It could not be restored.', { tone: 'bad' }),
        )
      },
    },
  })
}
