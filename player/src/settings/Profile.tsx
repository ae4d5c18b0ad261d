import { useQuery } from '@tanstack/react-query'
import { useState, type FormEvent } from 'react'
import { api } from '../api/client'
import { sessionQuery } from '../api/queries'
import { useTitle } from '../shell/useTitle'
import { Button } from '../ui/Button'
import { TextField } from '../ui/Form'
import { toast } from '../ui/toasts'
import { Card } from './Card'

const SHORTEST = 8

export default function Profile() {
  useTitle('Profile')
  const { data: session } = useQuery(sessionQuery)
  if (!session) return null
  return (
    <>
      <Card title="Profile">
        <dl className="facts">
          <div>
            <dt>Name</dt>
            <dd>{session.user.name}</dd>
          </div>
          <div>
            <dt>Role</dt>
            <dd>{session.user.admin ? 'Administrator' : 'Listener'}</dd>
          </div>
          <div>
            <dt>Server</dt>
            <dd>
              {session.server.name} {session.server.version}
            </dd>
          </div>
        </dl>
      </Card>
      <Password />
    </>
  )
}

function Password() {
  const [old, setOld] = useState('')
  const [next, setNext] = useState('')
  const [again, setAgain] = useState('')
  const [error, setError] = useState<string | null>(null)
  const [busy, setBusy] = useState(false)
  const submit = async (event: FormEvent) => {
    event.preventDefault()
    if (next !== again) return setError('The two new passwords are not the same.')
    setBusy(true)
    setError(null)
    try {
      await api.post('password', { old, new: next })
      setOld('')
      setNext('')
      setAgain('')
      toast('Your password is changed. You are signed out everywhere else.')
    } catch (failure) {
      setError(failure instanceof Error ? failure.message : 'That did not work.')
    } finally {
      setBusy(false)
    }
  }
  return (
    <Card title="Password" about="This one is for signing in here. Apps get their own passwords, on “Connect an app”.">
      <form className="stack" onSubmit={(event) => void submit(event)}>
        <TextField
          label="Current password"
          type="password"
          autoComplete="current-password"
          required
          value={old}
          onChange={(event) => setOld(event.currentTarget.value)}
        />
        <TextField
          label="New password"
          type="password"
          autoComplete="new-password"
          required
          minLength={SHORTEST}
          hint={`At least ${SHORTEST} characters.`}
          value={next}
          onChange={(event) => setNext(event.currentTarget.value)}
        />
        <TextField
          label="New password again"
          type="password"
          autoComplete="new-password"
          required
          value={again}
          error={error}
          onChange={(event) => setAgain(event.currentTarget.value)}
        />
        <div>
          <Button type="submit" variant="primary" busy={busy}>
            Change password
          </Button>
        </div>
      </form>
    </Card>
  )
}
