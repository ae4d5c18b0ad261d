import { useQuery, useQueryClient } from '@tanstack/react-query'
import { CircleCheck, FileWarning, RefreshCw, Square } from 'lucide-react'
import { useState } from 'react'
import { Link } from 'react-router'
import { api } from '../api/client'
import { findingsQuery, scanQuery, sessionQuery } from '../api/queries'
import type { Scan } from '../api/types'
import { ago, count, plural } from '../format'
import { ScanProgress } from '../shell/ScanProgress'
import { useTitle } from '../shell/useTitle'
import { Button } from '../ui/Button'
import { EmptyState, ErrorState, Loading, RowSkeletons } from '../ui/States'
import { toast } from '../ui/toasts'

const WINDOW = 100

export default function ScanPage() {
  useTitle('Scan and findings')
  const client = useQueryClient()
  const { data: session } = useQuery(sessionQuery)
  const { data: scan, error, refetch } = useQuery(scanQuery)
  const act = (run: () => Promise<unknown>) => {
    run().then(
      () => void client.invalidateQueries({ queryKey: scanQuery.queryKey }),
      (failure: unknown) => toast(failure instanceof Error ? failure.message : 'That did not work.', { tone: 'bad' }),
    )
  }
  return (
    <>
      <header className="page-head">
        <h1 className="page-title">Scan and findings</h1>
        {session?.user.admin && scan && (
          <div className="filters">
            {scan.state === 'running' ? (
              <Button size="s" icon={Square} onClick={() => act(() => api.del('scan'))}>
                Stop
              </Button>
            ) : (
              <>
                <Button size="s" variant="primary" icon={RefreshCw} onClick={() => act(() => api.post('scan', { full: false }))}>
                  Scan now
                </Button>
                <Button size="s" onClick={() => act(() => api.post('scan', { full: true }))}>
                  Read every file again
                </Button>
              </>
            )}
          </div>
        )}
      </header>
      {error && !scan && <ErrorState error={error} onRetry={() => void refetch()} />}
      {!scan && !error && <Loading />}
      {scan?.state === 'running' && <ScanProgress scan={scan} />}
      {scan?.state === 'idle' && scan.last && <Report last={scan.last} />}
      <p className="section-more small muted">
        The same recording in several files is not an error: see <Link className="np-about" to="/duplicates">duplicates</Link>.
      </p>
      <Findings />
    </>
  )
}

function Report({ last }: { last: NonNullable<Scan['last']> }) {
  const facts = [
    ['Tracks', last.tracks],
    ['Added', last.added],
    ['Changed', last.changed],
    ['Moved', last.moved],
    ['Missing', last.missing],
    ['Unchanged', last.unchanged],
  ] as const
  return (
    <section aria-label="The last scan">
      <dl className="tiles">
        {facts.map(([name, value]) =>
          value === undefined ? null : (
            <div key={name} className="tile">
              <dt>{name}</dt>
              <dd className="tabular">{count(value)}</dd>
            </div>
          ),
        )}
      </dl>
    </section>
  )
}

function Findings() {
  const [kind, setKind] = useState<string | null>(null)
  const [offset, setOffset] = useState(0)
  const { data, error, refetch } = useQuery(findingsQuery(kind, offset, WINDOW))
  if (error && !data) return <ErrorState error={error} onRetry={() => void refetch()} />
  if (!data) return <RowSkeletons />
  const kinds = Object.entries(data.kinds)
  const everything = kinds.reduce((sum, [, n]) => sum + n, 0)
  if (everything === 0) {
    return (
      <EmptyState icon={CircleCheck} title="Nothing is wrong">
        Every file that was found could be read.
      </EmptyState>
    )
  }
  const choose = (next: string | null) => {
    setKind(next)
    setOffset(0)
  }
  return (
    <section className="section" aria-label="Findings">
      <h2 className="section-title">Findings</h2>
      <div className="chips">
        <button type="button" className="chip" aria-pressed={kind === null} onClick={() => choose(null)}>
          All {count(everything)}
        </button>
        {kinds.map(([name, n]) => (
          <button key={name} type="button" className="chip" aria-pressed={kind === name} onClick={() => choose(name)}>
            {name.replaceAll('_', ' ')} {count(n)}
          </button>
        ))}
      </div>
      <ul className="rows">
        {data.items.map((finding, index) => (
          <li key={`${finding.path} ${finding.kind} ${index}`} className="line finding">
            <FileWarning size={19} aria-hidden="true" />
            <span className="line-text">
              <code className="finding-path">{finding.path}</code>
              <span className="small muted">{finding.message}</span>
            </span>
            <span className="badge">{finding.kind.replaceAll('_', ' ')}</span>
            <span className="small faint finding-when">{finding.found_at && ago(finding.found_at)}</span>
          </li>
        ))}
      </ul>
      {data.total > WINDOW && (
        <div className="pager">
          <Button size="s" disabled={offset === 0} onClick={() => setOffset(Math.max(0, offset - WINDOW))}>
            Earlier
          </Button>
          <span className="small muted">
            {offset + 1}–{Math.min(data.total, offset + WINDOW)} of {plural(data.total, 'finding')}
          </span>
          <Button size="s" disabled={offset + WINDOW >= data.total} onClick={() => setOffset(offset + WINDOW)}>
            Later
          </Button>
        </div>
      )}
    </section>
  )
}
