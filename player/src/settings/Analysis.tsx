import { useQuery, useQueryClient } from '@tanstack/react-query'
import { Pause, Play, RotateCw } from 'lucide-react'
import { useState } from 'react'
import { api } from '../api/client'
import type { AnalysisStatus } from '../api/types'
import { count, plural, span } from '../format'
import { analysisStatusQuery } from '../sound/queries'
import { useTitle } from '../shell/useTitle'
import { Button } from '../ui/Button'
import { ErrorState, Loading } from '../ui/States'
import { toast } from '../ui/toasts'
import { Card } from './Card'

const STATES: Record<AnalysisStatus['state'], string> = {
  off: 'Not working in the background',
  idle: 'Everything has been listened to',
  running: 'Listening',
  paused: 'Paused',
  waiting: 'Waiting for its hours',
}

/** How far the analysis of the libraries is; asked every two seconds while it is open. */
export default function Analysis() {
  useTitle('Analysis')
  const client = useQueryClient()
  const query = analysisStatusQuery(2_000)
  const { data: status, error, refetch } = useQuery(query)
  const [busy, setBusy] = useState(false)
  if (error && !status) return <ErrorState error={error} onRetry={() => void refetch()} />
  if (!status) return <Loading />
  const change = async (what: { paused?: boolean; retry?: boolean }) => {
    setBusy(true)
    try {
      client.setQueryData(query.queryKey, await api.post<AnalysisStatus>('analysis', what))
      if (what.retry) toast('What failed is tried again.')
    } catch (failure) {
      toast(failure instanceof Error ? failure.message : 'That did not work.', { tone: 'bad' })
    } finally {
      setBusy(false)
    }
  }
  const facts: [string, string][] = [
    ['Listened to', `${count(status.done)} of ${plural(status.total, 'track')}`],
    ['Still to do', count(status.left)],
    ['Failed', count(status.failed)],
    ...(status.left > 0 ? timing(status) : []),
    ['Encoder', status.encoder],
    ['Answering by', status.serving ?? 'nothing yet'],
  ]
  return (
    <Card title="Analysis" about="Segue listens to every track once: for what it sounds like, and which tracks sound alike. Nothing leaves this server.">
      <p>
        <strong role="status">{status.left > 0 && status.state === 'idle' ? 'About to start' : STATES[status.state]}</strong>
      </p>
      <progress className="progress" aria-label="Tracks listened to" value={status.done} max={Math.max(1, status.total)} />
      <dl className="facts">
        {facts.map(([name, value]) => (
          <div key={name}>
            <dt>{name}</dt>
            <dd className="tabular">{value}</dd>
          </div>
        ))}
      </dl>
      {status.serving !== null && status.serving !== status.encoder && (
        <p className="small muted">
          Vectors of {status.encoder} are being made; until they are complete, what sounds alike is answered by {status.serving}.
        </p>
      )}
      {status.note && <p className="notice">{status.note}</p>}
      <div className="hero-actions">
        {status.state !== 'off' &&
          (status.state === 'paused' ? (
            <Button variant="primary" icon={Play} busy={busy} onClick={() => void change({ paused: false })}>
              Resume
            </Button>
          ) : (
            <Button icon={Pause} busy={busy} onClick={() => void change({ paused: true })}>
              Pause
            </Button>
          ))}
        {status.failed > 0 && (
          <Button icon={RotateCw} busy={busy} onClick={() => void change({ retry: true })}>
            Try what failed again
          </Button>
        )}
      </div>
    </Card>
  )
}

function timing(status: AnalysisStatus): [string, string][] {
  return [
    ['Speed', status.tracks_per_hour === null ? 'not known yet' : `${plural(Math.round(status.tracks_per_hour), 'track')} an hour`],
    ['Time left', status.left_s === null ? 'not known yet' : span(status.left_s * 1000)],
  ]
}
