import { useState, type FormEvent } from 'react'
import { useQueryClient } from '@tanstack/react-query'
import { api, ApiError } from '../api/client'
import { sessionQuery } from '../api/queries'
import type { Session } from '../api/types'
import { Button } from '../ui/Button'
import { TextField } from '../ui/Form'
import { Logo } from './Logo'
import { useTitle } from './useTitle'

export function SignIn() {
  useTitle('Sign in')
  const client = useQueryClient()
  const [name, setName] = useState('')
  const [password, setPassword] = useState('')
  const [error, setError] = useState<string | null>(null)
  const [busy, setBusy] = useState(false)

  const submit = async (event: FormEvent) => {
    event.preventDefault()
    setBusy(true)
    setError(null)
    try {
      client.setQueryData(sessionQuery.queryKey, await api.post<Session>('session', { name, password }))
    } catch (failure) {
      setError(say(failure))
      setBusy(false)
    }
  }

  return (
    <main className="sign-in">
      <div className="sign-in-card">
        <Logo size={52} />
        <h1>Segue</h1>
        <p className="muted">Your music, and the next song.</p>
        <form onSubmit={(event) => void submit(event)}>
          <TextField
            label="Name"
            name="username"
            autoComplete="username"
            autoCapitalize="none"
            spellCheck={false}
            required
            autoFocus
            value={name}
            onChange={(event) => setName(event.currentTarget.value)}
          />
          <TextField
            label="Password"
            type="password"
            name="password"
            autoComplete="current-password"
            required
            value={password}
            onChange={(event) => setPassword(event.currentTarget.value)}
          />
          {error && (
            <p className="form-error" role="alert">
              {error}
            </p>
          )}
          <Button type="submit" variant="primary" size="l" busy={busy}>
            Sign in
          </Button>
        </form>
      </div>
    </main>
  )
}

function say(failure: unknown): string {
  if (!(failure instanceof ApiError)) return 'Something went wrong. Try again.'
  if (failure.status === 401) return 'That name and password do not go together.'
  if (failure.status === 429) {
    const wait = failure.retryAfterS
      ? ` Wait ${Math.ceil(failure.retryAfterS)} seconds and try again.`
      : ' Wait a little and try again.'
    return `Too many tries.${wait}`
  }
  return failure.message
}
