import { useQuery } from '@tanstack/react-query'
import { Plus } from 'lucide-react'
import { useState, type FormEvent } from 'react'
import { playlistsQuery } from '../api/queries'
import type { Playlist } from '../api/types'
import { plural } from '../format'
import { go } from '../shell/navigation'
import { Art } from '../ui/Art'
import { Button } from '../ui/Button'
import { Dialog } from '../ui/Dialog'
import { Switch, TextField } from '../ui/Form'
import { toast } from '../ui/toasts'
import { doneAdding, usePendingTracks } from './addToPlaylist'
import { doneNaming, newPlaylist, useTracksToName } from './newPlaylist'
import { addTracks, createPlaylist } from './playlists'

/** The two dialogs about playlists: choosing one, and naming a new one. */
export function AddToPlaylist() {
  return (
    <>
      <Choose />
      <Name />
    </>
  )
}

function Choose() {
  const tracks = usePendingTracks()
  const { data } = useQuery({ ...playlistsQuery, enabled: tracks !== null })
  const add = (playlist: Playlist) => {
    doneAdding()
    addTracks(playlist, tracks ?? []).catch(complain)
  }
  const own = data?.items.filter((playlist) => playlist.editable) ?? []
  return (
    <Dialog open={tracks !== null} onClose={doneAdding} title={`Add ${plural(tracks?.length ?? 0, 'track')} to`}>
      <ul className="choices">
        <li>
          <button
            type="button"
            className="choice"
            onClick={() => {
              const chosen = tracks ?? []
              doneAdding()
              newPlaylist(chosen)
            }}
          >
            <span className="choice-new">
              <Plus size={20} aria-hidden="true" />
            </span>
            New playlist
          </button>
        </li>
        {own.map((playlist) => (
          <li key={playlist.id}>
            <button type="button" className="choice" onClick={() => add(playlist)}>
              <Art id={playlist.id} art={playlist.art} size={44} kind="playlist" />
              <span className="choice-text">
                <span className="ellipsis">{playlist.name}</span>
                <span className="small faint">{plural(playlist.track_count, 'track')}</span>
              </span>
            </button>
          </li>
        ))}
      </ul>
    </Dialog>
  )
}

function Name() {
  const tracks = useTracksToName()
  const [name, setName] = useState('')
  const [isPublic, setPublic] = useState(false)
  const [busy, setBusy] = useState(false)
  const submit = async (event: FormEvent) => {
    event.preventDefault()
    setBusy(true)
    try {
      const made = await createPlaylist(name.trim(), tracks ?? [], isPublic)
      const chosen = tracks?.length ?? 0
      doneNaming()
      setName('')
      setPublic(false)
      if (chosen === 0) go(`/playlists/${made.id}`)
      else {
        toast(`“${made.name}” is made, with ${plural(chosen, 'track')}.`, {
          action: { label: 'Open', onSelect: () => go(`/playlists/${made.id}`) },
        })
      }
    } catch (error) {
      complain(error)
    } finally {
      setBusy(false)
    }
  }
  return (
    <Dialog
      open={tracks !== null}
      onClose={doneNaming}
      title="New playlist"
      footer={
        <>
          <Button onClick={doneNaming}>Cancel</Button>
          <Button type="submit" form="new-playlist" variant="primary" busy={busy} disabled={!name.trim()}>
            Create
          </Button>
        </>
      }
    >
      <form id="new-playlist" className="stack" onSubmit={(event) => void submit(event)}>
        <TextField
          label="Name"
          required
          autoFocus
          maxLength={200}
          value={name}
          onChange={(event) => setName(event.currentTarget.value)}
        />
        <Switch label="Public" hint="Everyone on this server may listen to it." checked={isPublic} onChange={setPublic} />
      </form>
    </Dialog>
  )
}

function complain(error: unknown): void {
  toast(error instanceof Error ? error.message : 'That did not work.', { tone: 'bad' })
}
