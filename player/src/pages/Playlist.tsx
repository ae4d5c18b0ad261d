import { useQuery } from '@tanstack/react-query'
import { EllipsisVertical, Globe, ListMusic, Lock, Pencil, Play, Shuffle, Trash2 } from 'lucide-react'
import { useMemo, useState, type FormEvent } from 'react'
import { useNavigate, useParams } from 'react-router'
import { playlistMenu } from '../acts/menus'
import { changePlaylist, deletePlaylist, removeTracks, setTracks } from '../acts/playlists'
import { playlistQuery, type PlaylistPage } from '../api/queries'
import type { Playlist as PlaylistShape } from '../api/types'
import { player } from '../engine'
import { ago, plural, span } from '../format'
import { shuffled } from '../lists/shuffled'
import { useListSource } from '../lists/source'
import { TrackTable } from '../lists/TrackTable'
import { moveItems } from '../lists/window'
import { useTitle } from '../shell/useTitle'
import { Button, IconButton } from '../ui/Button'
import { Dialog } from '../ui/Dialog'
import { Switch, TextField } from '../ui/Form'
import { openMenu, type MenuItem } from '../ui/menus'
import { EmptyState, ErrorState, RowSkeletons } from '../ui/States'
import { toast } from '../ui/toasts'
import { Hero, HeroSkeleton } from './Hero'

export default function Playlist() {
  const { id = '' } = useParams()
  const { data, error, refetch } = useQuery(playlistQuery(id))
  useTitle(data?.playlist.name)
  if (error && !data) return <ErrorState error={error} onRetry={() => void refetch()} />
  if (!data) {
    return (
      <>
        <HeroSkeleton />
        <RowSkeletons />
      </>
    )
  }
  return <Loaded key={id} page={data} />
}

function complain(error: unknown): void {
  toast(error instanceof Error ? error.message : 'That did not work.', { tone: 'bad' })
}

function Loaded({ page }: { page: PlaylistPage }) {
  const { playlist, tracks } = page
  const navigate = useNavigate()
  const source = useListSource(tracks)
  const context = useMemo(() => ({ playlist_id: playlist.id }), [playlist.id])
  const [editing, setEditing] = useState(false)
  const [said, setSaid] = useState('')
  const there = tracks.filter((track) => !track.missing)

  const reorder = (indices: number[], to: number) => {
    const { list, at } = moveItems(tracks, indices, to)
    if (list.every((track, index) => track === tracks[index])) return
    setSaid(`Moved to place ${at + 1} of ${tracks.length}`)
    void setTracks(page, list)
  }
  const own: MenuItem[] = playlist.editable
    ? [
        { label: 'Edit…', icon: Pencil, onSelect: () => setEditing(true) },
        {
          kind: 'check',
          label: 'Public',
          checked: playlist.public,
          onSelect: () => void changePlaylist(playlist.id, { public: !playlist.public }).catch(complain),
        },
        {
          label: 'Delete',
          icon: Trash2,
          danger: true,
          onSelect: () => void deletePlaylist(playlist).then(() => navigate('/playlists'), complain),
        },
      ]
    : []
  return (
    <>
      <Hero
        id={playlist.id}
        art={playlist.art}
        kind="playlist"
        over={playlist.public ? 'Public playlist' : 'Playlist'}
        title={playlist.name}
        actions={
          <>
            <Button
              variant="primary"
              size="l"
              icon={Play}
              disabled={there.length === 0}
              onClick={() => player.playTracks(there, 0, context)}
            >
              Play
            </Button>
            <IconButton
              size="l"
              label="Shuffle"
              icon={Shuffle}
              disabled={there.length === 0}
              onClick={() => player.playTracks(shuffled(there), 0, context)}
            />
            {playlist.editable && (
              <IconButton size="l" label="Edit the playlist" icon={Pencil} onClick={() => setEditing(true)} />
            )}
            <IconButton
              size="l"
              label={`More for ${playlist.name}`}
              title="More"
              icon={EllipsisVertical}
              onClick={(event) => openMenu(event, playlist.name, playlistMenu(playlist, own))}
            />
          </>
        }
      >
        {playlist.comment && <p>{playlist.comment}</p>}
        <p className="muted hero-line">
          {playlist.public ? <Globe size={15} aria-hidden="true" /> : <Lock size={15} aria-hidden="true" />}
          {[
            playlist.editable ? null : playlist.owner,
            plural(tracks.length, 'track'),
            tracks.length > 0 && span(playlist.duration_ms),
            `changed ${ago(playlist.changed_at)}`,
          ]
            .filter(Boolean)
            .join(' · ')}
        </p>
      </Hero>
      <p className="sr-only" role="status">
        {said}
      </p>
      <TrackTable
        source={source}
        label={`Tracks of ${playlist.name}`}
        kind="playlist"
        context={context}
        {...(playlist.editable ? { onReorder: reorder, onRemove: (indices: number[]) => void removeTracks(page, indices) } : {})}
        empty={
          <EmptyState icon={ListMusic} title="Nothing in it yet">
            Open any track’s menu, or select several, and choose “Add to playlist”.
          </EmptyState>
        }
      />
      <Edit open={editing} playlist={playlist} onClose={() => setEditing(false)} />
    </>
  )
}

function Edit({ open, playlist, onClose }: { open: boolean; playlist: PlaylistShape; onClose: () => void }) {
  const [name, setName] = useState(playlist.name)
  const [comment, setComment] = useState(playlist.comment ?? '')
  const [isPublic, setPublic] = useState(playlist.public)
  const submit = (event: FormEvent) => {
    event.preventDefault()
    changePlaylist(playlist.id, { name: name.trim(), comment: comment.trim(), public: isPublic }).then(onClose, complain)
  }
  return (
    <Dialog
      open={open}
      onClose={onClose}
      title="Edit playlist"
      footer={
        <>
          <Button onClick={onClose}>Cancel</Button>
          <Button type="submit" form="edit-playlist" variant="primary" disabled={!name.trim()}>
            Save
          </Button>
        </>
      }
    >
      <form id="edit-playlist" className="stack" onSubmit={submit}>
        <TextField label="Name" required maxLength={200} value={name} onChange={(event) => setName(event.currentTarget.value)} />
        <TextField
          label="Description"
          maxLength={1000}
          value={comment}
          onChange={(event) => setComment(event.currentTarget.value)}
        />
        <Switch label="Public" hint="Everyone on this server may listen to it." checked={isPublic} onChange={setPublic} />
      </form>
    </Dialog>
  )
}
