import { useQuery, useQueryClient } from '@tanstack/react-query'
import { FolderPlus, HardDrive, Pencil, RefreshCw, Trash2 } from 'lucide-react'
import { useState, type FormEvent } from 'react'
import { api } from '../api/client'
import { librariesQuery, scanQuery, usersQuery } from '../api/queries'
import type { Library } from '../api/types'
import { ago, plural } from '../format'
import { useTitle } from '../shell/useTitle'
import { Button, IconButton } from '../ui/Button'
import { Dialog } from '../ui/Dialog'
import { Switch, TextField } from '../ui/Form'
import { ErrorState, Loading } from '../ui/States'
import { toast } from '../ui/toasts'
import { Card } from './Card'

function complain(error: unknown): void {
  toast(error instanceof Error ? error.message : 'That did not work.', { tone: 'bad' })
}

export default function Libraries() {
  useTitle('Libraries')
  const client = useQueryClient()
  const { data, error, refetch } = useQuery(librariesQuery)
  const [adding, setAdding] = useState(false)
  const [editing, setEditing] = useState<Library | null>(null)
  const [removing, setRemoving] = useState<Library | null>(null)
  if (error && !data) return <ErrorState error={error} onRetry={() => void refetch()} />
  if (!data) return <Loading />
  const refresh = () => {
    void client.invalidateQueries({ queryKey: librariesQuery.queryKey })
    void client.invalidateQueries({ queryKey: usersQuery.queryKey })
    void client.invalidateQueries({ queryKey: scanQuery.queryKey })
  }
  return (
    <Card
      title="Libraries"
      about="Folders of music on the server, and who may hear them. Segue reads files and never changes them."
    >
      {data.items.length === 0 && <p className="muted">No folder yet. Add one, and Segue finds what is in it.</p>}
      <ul className="rows">
        {data.items.map((library) => (
          <li key={library.id} className="line">
            <HardDrive size={20} aria-hidden="true" />
            <span className="line-text">
              <strong className="ellipsis">{library.name}</strong>
              {library.path && <code className="small muted ellipsis">{library.path}</code>}
              <span className="small muted">
                {plural(library.track_count, 'track')}
                {library.missing_count > 0 && ` · ${library.missing_count} missing`} · scanned {ago(library.scanned_at)} ·{' '}
                {library.everyone ? 'for everyone' : `for ${plural(library.users?.length ?? 0, 'user')}`}
              </span>
            </span>
            <IconButton label={`Edit ${library.name}`} icon={Pencil} onClick={() => setEditing(library)} />
            <IconButton label={`Remove ${library.name}`} icon={Trash2} onClick={() => setRemoving(library)} />
          </li>
        ))}
      </ul>
      <div className="hero-actions">
        <Button icon={FolderPlus} onClick={() => setAdding(true)}>
          Add a folder
        </Button>
        <Button
          icon={RefreshCw}
          onClick={() =>
            void api.post('scan', { full: false }).then(() => {
              refresh()
              toast('The scan has started.')
            }, complain)
          }
        >
          Scan now
        </Button>
      </div>
      <Add open={adding} onClose={() => setAdding(false)} onDone={refresh} />
      {editing && <Edit key={editing.id} library={editing} onClose={() => setEditing(null)} onDone={refresh} />}
      <Dialog
        open={removing !== null}
        onClose={() => setRemoving(null)}
        title={`Remove ${removing?.name ?? ''}?`}
        footer={
          <>
            <Button onClick={() => setRemoving(null)}>Keep</Button>
            <Button
              variant="danger"
              onClick={() => {
                void api.del(`libraries/${removing?.id}`).then(refresh, complain)
                setRemoving(null)
              }}
            >
              Remove
            </Button>
          </>
        }
      >
        <p>Its tracks leave the library. The files stay where they are.</p>
      </Dialog>
    </Card>
  )
}

function Add({ open, onClose, onDone }: { open: boolean; onClose: () => void; onDone: () => void }) {
  const [path, setPath] = useState('')
  const [name, setName] = useState('')
  const [error, setError] = useState<string | null>(null)
  const submit = async (event: FormEvent) => {
    event.preventDefault()
    try {
      await api.post('libraries', { path: path.trim(), ...(name.trim() ? { name: name.trim() } : {}) })
      setPath('')
      setName('')
      setError(null)
      onDone()
      onClose()
      toast('The folder is added; a scan will find what is in it.')
    } catch (failure) {
      setError(failure instanceof Error ? failure.message : 'That did not work.')
    }
  }
  return (
    <Dialog
      open={open}
      onClose={onClose}
      title="Add a folder"
      footer={
        <>
          <Button onClick={onClose}>Cancel</Button>
          <Button type="submit" form="add-library" variant="primary">
            Add
          </Button>
        </>
      }
    >
      <form id="add-library" className="stack" onSubmit={(event) => void submit(event)}>
        <TextField
          label="Folder on the server"
          placeholder="/srv/music"
          required
          spellCheck={false}
          value={path}
          error={error}
          onChange={(event) => setPath(event.currentTarget.value)}
        />
        <TextField
          label="Name"
          hint="Left empty, the folder’s own."
          maxLength={100}
          value={name}
          onChange={(event) => setName(event.currentTarget.value)}
        />
      </form>
    </Dialog>
  )
}

function Edit({ library, onClose, onDone }: { library: Library; onClose: () => void; onDone: () => void }) {
  const { data: users } = useQuery(usersQuery)
  const [name, setName] = useState(library.name)
  const [everyone, setEveryone] = useState(library.everyone)
  const [granted, setGranted] = useState(new Set(library.users ?? []))
  const submit = (event: FormEvent) => {
    event.preventDefault()
    api
      .patch(`libraries/${library.id}`, { name: name.trim(), everyone, ...(everyone ? {} : { users: [...granted] }) })
      .then(() => {
        onDone()
        onClose()
      }, complain)
  }
  return (
    <Dialog
      open
      onClose={onClose}
      title={`Edit ${library.name}`}
      footer={
        <>
          <Button onClick={onClose}>Cancel</Button>
          <Button type="submit" form="edit-library" variant="primary">
            Save
          </Button>
        </>
      }
    >
      <form id="edit-library" className="stack" onSubmit={submit}>
        <TextField label="Name" required maxLength={100} value={name} onChange={(event) => setName(event.currentTarget.value)} />
        <Switch label="Everyone may listen" checked={everyone} onChange={setEveryone} />
        {!everyone && (
          <fieldset className="grants">
            <legend>Who may listen</legend>
            {users?.items.map((user) => (
              <label key={user.id} className="grant">
                <input
                  type="checkbox"
                  className="check"
                  checked={granted.has(user.id)}
                  onChange={(event) => {
                    const next = new Set(granted)
                    if (event.currentTarget.checked) next.add(user.id)
                    else next.delete(user.id)
                    setGranted(next)
                  }}
                />
                {user.name}
              </label>
            ))}
          </fieldset>
        )}
      </form>
    </Dialog>
  )
}
