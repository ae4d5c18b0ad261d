import { useQuery, useQueryClient } from '@tanstack/react-query'
import { KeyRound, Smartphone, Trash2 } from 'lucide-react'
import { useState, type FormEvent } from 'react'
import { api } from '../api/client'
import { connectQuery, tokensQuery } from '../api/queries'
import type { ConnectInfo, NewToken, Token } from '../api/types'
import { ago } from '../format'
import { useTitle } from '../shell/useTitle'
import { Button, IconButton } from '../ui/Button'
import { Copy } from '../ui/Copy'
import { Dialog } from '../ui/Dialog'
import { Segmented, Select, TextField } from '../ui/Form'
import { ErrorState, Loading } from '../ui/States'
import { toast } from '../ui/toasts'
import { Card } from './Card'
import { Qr } from './Qr'

export default function Apps() {
  useTitle('Connect an app')
  const connect = useQuery(connectQuery)
  const tokens = useQuery(tokensQuery)
  const [made, setMade] = useState<NewToken | null>(null)
  const error = connect.error ?? tokens.error
  if (error && !(connect.data && tokens.data)) {
    return (
      <ErrorState
        error={error}
        onRetry={() => {
          void connect.refetch()
          void tokens.refetch()
        }}
      />
    )
  }
  if (!connect.data || !tokens.data) return <Loading />
  return (
    <>
      <Card
        title="Connect an app"
        about="Any app that speaks Subsonic or OpenSubsonic can play from here. It asks for three things."
      >
        <div className="connect">
          <div className="stack">
            <Copy label="Server" value={connect.data.server_url} />
            <Copy label="User name" value={connect.data.user} />
            <div>
              <span className="copy-label">Password</span>
              <p className="muted small">An app password made below: your own password is never given to an app.</p>
            </div>
            <Make onMade={setMade} />
          </div>
          <figure className="connect-qr">
            <Qr text={connect.data.server_url} label={`The server’s address, ${connect.data.server_url}, as a QR code`} />
            <figcaption className="small muted">The server’s address</figcaption>
          </figure>
        </div>
      </Card>
      <Card title="App passwords" about="Take one back, and only that app is signed out.">
        <Tokens tokens={tokens.data.items} />
      </Card>
      {connect.data.apps.length > 0 && (
        <Card title="Apps that work well">
          <ul className="apps">
            {connect.data.apps.map((app) => (
              <li key={app.name} className="app">
                <Smartphone size={20} aria-hidden="true" />
                <div>
                  <strong>{app.name}</strong>{' '}
                  <span className="small muted">{Array.isArray(app.platforms) ? app.platforms.join(', ') : app.platforms}</span>
                  <p className="small muted">{app.how}</p>
                </div>
              </li>
            ))}
          </ul>
        </Card>
      )}
      <Secret made={made} connect={connect.data} onClose={() => setMade(null)} />
    </>
  )
}

function Make({ onMade }: { onMade: (token: NewToken) => void }) {
  const client = useQueryClient()
  const [name, setName] = useState('')
  const [kind, setKind] = useState<Token['kind']>('app')
  const [life, setLife] = useState('')
  const [error, setError] = useState<string | null>(null)
  const [busy, setBusy] = useState(false)
  const submit = async (event: FormEvent) => {
    event.preventDefault()
    setBusy(true)
    setError(null)
    try {
      onMade(await api.post<NewToken>('tokens', { name: name.trim(), kind, ...(life ? { expires_in_s: Number(life) } : {}) }))
      setName('')
      void client.invalidateQueries({ queryKey: tokensQuery.queryKey })
    } catch (failure) {
      setError(failure instanceof Error ? failure.message : 'That did not work.')
    } finally {
      setBusy(false)
    }
  }
  return (
    <form className="stack make" onSubmit={(event) => void submit(event)}>
      <TextField
        label="What is it for?"
        placeholder="Phone"
        required
        maxLength={100}
        value={name}
        error={error}
        onChange={(event) => setName(event.currentTarget.value)}
      />
      <div className="make-foot">
        <Segmented
          label="Kind"
          value={kind}
          onChange={setKind}
          options={[
            { value: 'app', label: 'App' },
            { value: 'api', label: 'API only' },
          ]}
        />
        <Select label="Expiry" bare value={life} options={LIVES} onChange={(event) => setLife(event.currentTarget.value)} />
        <Button type="submit" variant="primary" icon={KeyRound} busy={busy} disabled={!name.trim()}>
          Create app password
        </Button>
      </div>
    </form>
  )
}

function Secret({ made, connect, onClose }: { made: NewToken | null; connect: ConnectInfo; onClose: () => void }) {
  return (
    <Dialog
      open={made !== null}
      onClose={onClose}
      title={made ? `Password for “${made.name}”` : ''}
      footer={
        <Button variant="primary" onClick={onClose}>
          Done
        </Button>
      }
    >
      {made && (
        <div className="stack">
          <p className="notice">It is shown this once. Put it into the app now; it can be replaced, never shown again.</p>
          <Copy label="Server" value={connect.server_url} />
          <Copy label="User name" value={connect.user} />
          <Copy label="Password" value={made.secret} />
          <figure className="connect-qr">
            <Qr text={made.secret} label="The app password as a QR code" />
            <figcaption className="small muted">The password, to carry it to a phone</figcaption>
          </figure>
        </div>
      )}
    </Dialog>
  )
}

const DAY_S = 86_400
const LIVES = [
  { value: '', label: 'Never expires' },
  { value: String(30 * DAY_S), label: 'Expires in 30 days' },
  { value: String(90 * DAY_S), label: 'Expires in 90 days' },
  { value: String(365 * DAY_S), label: 'Expires in a year' },
]

function expiry(at: string, now = Date.now()): string {
  const day = new Intl.DateTimeFormat(undefined, { dateStyle: 'medium' }).format(Date.parse(at))
  return Date.parse(at) <= now ? `expired ${day}` : `expires ${day}`
}

function Tokens({ tokens }: { tokens: Token[] }) {
  const client = useQueryClient()
  const revoke = async (token: Token) => {
    try {
      await api.del(`tokens/${token.id}`)
      client.setQueryData(tokensQuery.queryKey, (old) => old && { items: old.items.filter((each) => each.id !== token.id) })
      toast(`“${token.name}” may not come in any more.`)
    } catch (error) {
      toast(error instanceof Error ? error.message : 'That did not work.', { tone: 'bad' })
    }
  }
  if (tokens.length === 0) return <p className="muted">None yet.</p>
  return (
    <ul className="rows">
      {tokens.map((token) => (
        <li key={token.id} className="line">
          <KeyRound size={18} aria-hidden="true" />
          <span className="line-text">
            <strong className="ellipsis">{token.name}</strong>
            <span className="small muted">
              {token.kind === 'api' ? 'API · ' : ''}
              {token.last_used_at
                ? `used ${ago(token.last_used_at)}${token.last_client ? ` by ${token.last_client}` : ''}`
                : 'not used yet'}{' '}
              · made {ago(token.created_at)}
              {token.expires_at && ` · ${expiry(token.expires_at)}`}
            </span>
          </span>
          <IconButton label={`Take back ${token.name}`} icon={Trash2} onClick={() => void revoke(token)} />
        </li>
      ))}
    </ul>
  )
}
