import { useQuery, useQueryClient } from '@tanstack/react-query'
import { EllipsisVertical, KeyRound, ShieldCheck, Trash2, UserPlus, UserRound } from 'lucide-react'
import { useState, type FormEvent } from 'react'
import { api } from '../api/client'
import { librariesQuery, sessionQuery, usersQuery } from '../api/queries'
import type { User } from '../api/types'
import { ago } from '../format'
import { useTitle } from '../shell/useTitle'
import { Button, IconButton } from '../ui/Button'
import { Dialog } from '../ui/Dialog'
import { Switch, TextField } from '../ui/Form'
import { openMenu } from '../ui/menus'
import { ErrorState, Loading } from '../ui/States'
import { toast } from '../ui/toasts'
import { Card } from './Card'

function complain(error: unknown): void {
  toast(error instanceof Error ? error.message : 'That did not work.', { tone: 'bad' })
}

export default function Users() {
  useTitle('Users')
  const client = useQueryClient()
  const { data: session } = useQuery(sessionQuery)
  const { data, error, refetch } = useQuery(usersQuery)
  const { data: libraries } = useQuery(librariesQuery)
  const [adding, setAdding] = useState(false)
  const [removing, setRemoving] = useState<User | null>(null)
  const [resetting, setResetting] = useState<User | null>(null)
  if (error && !data) return <ErrorState error={error} onRetry={() => void refetch()} />
  if (!data) return <Loading />
  const refresh = () => void client.invalidateQueries({ queryKey: usersQuery.queryKey })
  const nameOf = (id: number) => libraries?.items.find((library) => library.id === id)?.name
  return (
    <Card title="Users" about="Each has their own plays, likes, playlists and taste.">
      <ul className="rows">
        {data.items.map((user) => (
          <li key={user.id} className="line">
            {user.admin ? <ShieldCheck size={20} aria-hidden="true" /> : <UserRound size={20} aria-hidden="true" />}
            <span className="line-text">
              <strong className="ellipsis">
                {user.name} {user.admin && <span className="badge">admin</span>}
              </strong>
              <span className="small muted ellipsis">
                {user.libraries.flatMap((id) => nameOf(id) ?? []).join(', ') || 'No library of their own'} · since{' '}
                {ago(user.created_at)}
              </span>
            </span>
            <IconButton
              label={`More for ${user.name}`}
              icon={EllipsisVertical}
              onClick={(event) =>
                openMenu(event, user.name, [
                  {
                    kind: 'check',
                    label: 'Administrator',
                    checked: user.admin,
                    onSelect: () => void api.patch(`users/${user.id}`, { admin: !user.admin }).then(refresh, complain),
                  },
                  { label: 'Set a new password…', icon: KeyRound, onSelect: () => setResetting(user) },
                  {
                    label: 'Remove…',
                    icon: Trash2,
                    danger: true,
                    disabled: user.id === session?.user.id,
                    onSelect: () => setRemoving(user),
                  },
                ])
              }
            />
          </li>
        ))}
      </ul>
      <div>
        <Button icon={UserPlus} onClick={() => setAdding(true)}>
          Add a user
        </Button>
      </div>
      <Add open={adding} onClose={() => setAdding(false)} onDone={refresh} />
      <Reset user={resetting} onClose={() => setResetting(null)} />
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
                void api.del(`users/${removing?.id}`).then(refresh, complain)
                setRemoving(null)
              }}
            >
              Remove
            </Button>
          </>
        }
      >
        <p>Their playlists, likes and plays go with them. This cannot be undone.</p>
      </Dialog>
    </Card>
  )
}

function Add({ open, onClose, onDone }: { open: boolean; onClose: () => void; onDone: () => void }) {
  const [name, setName] = useState('')
  const [password, setPassword] = useState('')
  const [admin, setAdmin] = useState(false)
  const [error, setError] = useState<string | null>(null)
  const submit = async (event: FormEvent) => {
    event.preventDefault()
    try {
      await api.post('users', { name: name.trim(), password, admin })
      setName('')
      setPassword('')
      setAdmin(false)
      setError(null)
      onDone()
      onClose()
    } catch (failure) {
      setError(failure instanceof Error ? failure.message : 'That did not work.')
    }
  }
  return (
    <Dialog
      open={open}
      onClose={onClose}
      title="Add a user"
      footer={
        <>
          <Button onClick={onClose}>Cancel</Button>
          <Button type="submit" form="add-user" variant="primary">
            Add
          </Button>
        </>
      }
    >
      <form id="add-user" className="stack" onSubmit={(event) => void submit(event)}>
        <TextField
          label="Name"
          autoComplete="off"
          autoCapitalize="none"
          required
          maxLength={64}
          value={name}
          onChange={(event) => setName(event.currentTarget.value)}
        />
        <TextField
          label="Password"
          type="password"
          autoComplete="new-password"
          required
          minLength={8}
          hint="At least 8 characters. They can change it."
          value={password}
          error={error}
          onChange={(event) => setPassword(event.currentTarget.value)}
        />
        <Switch label="Administrator" hint="May manage users, libraries and scans." checked={admin} onChange={setAdmin} />
      </form>
    </Dialog>
  )
}

function Reset({ user, onClose }: { user: User | null; onClose: () => void }) {
  const [password, setPassword] = useState('')
  const submit = (event: FormEvent) => {
    event.preventDefault()
    api.patch(`users/${user?.id}`, { password }).then(() => {
      toast(`${user?.name}’s password is changed.`)
      setPassword('')
      onClose()
    }, complain)
  }
  return (
    <Dialog
      open={user !== null}
      onClose={onClose}
      title={`New password for ${user?.name ?? ''}`}
      footer={
        <Button type="submit" form="reset-password" variant="primary">
          Set password
        </Button>
      }
    >
      <form id="reset-password" className="stack" onSubmit={submit}>
        <TextField
          label="New password"
          type="password"
          autoComplete="new-password"
          required
          minLength={8}
          value={password}
          onChange={(event) => setPassword(event.currentTarget.value)}
        />
      </form>
    </Dialog>
  )
}
