import { useQueryClient } from '@tanstack/react-query'
import { Download, FileUp, X } from 'lucide-react'
import { useEffect, useId, useRef, useState, type ChangeEvent } from 'react'
import { api, ApiError, apiUrl } from '../api/client'
import type { Import, ImportService } from '../api/types'
import { bytes, plural } from '../format'
import { Card } from '../settings/Card'
import { Button, IconButton } from '../ui/Button'
import { Select } from '../ui/Form'
import { complain } from './acts'
import { serviceOf, summary } from './days'
import { importsQuery, isRunning, pastChanged } from './queries'
import { ownZone, upload, zones, type Upload } from './upload'

const SERVICES: { value: ImportService; label: string; hint: string }[] = [
  { value: 'spotify', label: 'Spotify', hint: 'The zip of your extended streaming history, or a JSON file of it.' },
  { value: 'listenbrainz', label: 'ListenBrainz', hint: 'The zip that its settings export.' },
  { value: 'lastfm', label: 'Last.fm', hint: 'Scrobbles as CSV or JSON, from any of the export tools.' },
]
const CLOCKS = zones().map((zone) => ({ value: zone, label: zone.replaceAll('_', ' ') }))
const nameOf = (service: ImportService) => SERVICES.find((each) => each.value === service)?.label ?? service

/** Histories brought along from elsewhere, and one's own taken away. */
export function Imports({ items }: { items: Import[] }) {
  const running = items.some(isRunning)
  // One may end between two looks at it: what counts is that it has ended.
  const ended = items.filter((each) => !isRunning(each)).length
  const known = useRef(ended)
  useEffect(() => {
    if (ended > known.current) void pastChanged()
    known.current = ended
  }, [ended])
  return (
    <>
      <Card title="Bring a history along" about="Plays from another service are counted with those heard here. Repeating a file changes nothing.">
        <Send busy={running} />
        {items.length > 0 && (
          <ul className="rows" aria-label="Imports">
            {items.slice(0, 5).map((one) => (
              <Progress key={one.id} one={one} />
            ))}
          </ul>
        )}
      </Card>
      <Card title="Take yours with you" about="Every listen of yours, as a file that other programs read.">
        <div className="past-exports">
          {(['jsonl', 'parquet'] as const).map((format) => (
            <a key={format} className="btn btn-soft btn-s" href={apiUrl('me/export', { format })} download>
              <Download size={16} aria-hidden="true" />
              {format === 'jsonl' ? 'JSON lines' : 'Parquet'}
            </a>
          ))}
        </div>
      </Card>
    </>
  )
}

function Send({ busy }: { busy: boolean }) {
  const client = useQueryClient()
  const [service, setService] = useState<ImportService>('spotify')
  const [zone, setZone] = useState(ownZone)
  const [file, setFile] = useState<File | null>(null)
  const [part, setPart] = useState<number | null>(null)
  const [failed, setFailed] = useState<string | null>(null)
  const going = useRef<Upload | null>(null)
  const input = useRef<HTMLInputElement>(null)
  const id = useId()
  useEffect(() => () => going.current?.cancel(), [])
  const choose = (event: ChangeEvent<HTMLInputElement>) => {
    const chosen = event.currentTarget.files?.[0] ?? null
    setFile(chosen)
    setFailed(null)
    const guess = chosen && serviceOf(chosen.name)
    if (guess) setService(guess)
  }
  const send = async () => {
    if (!file) return
    setFailed(null)
    setPart(0)
    going.current = upload(service, zone, file, setPart)
    try {
      await going.current.done
      setFile(null)
      if (input.current) input.current.value = ''
    } catch (error) {
      if (!(error instanceof ApiError && error.code === 'cancelled')) {
        setFailed(error instanceof Error ? error.message : 'That did not work.')
      }
    } finally {
      going.current = null
      setPart(null)
      void client.invalidateQueries({ queryKey: importsQuery.queryKey })
    }
  }
  const hint = SERVICES.find((each) => each.value === service)?.hint
  return (
    <>
      <div className="past-send">
        <div className="field past-file">
          <label htmlFor={id}>File</label>
          <input
            ref={input}
            id={id}
            type="file"
            accept=".zip,.json,.jsonl,.csv"
            disabled={part !== null}
            aria-describedby={`${id}-note`}
            onChange={choose}
          />
        </div>
        <Select
          label="From"
          value={service}
          options={SERVICES}
          disabled={part !== null}
          onChange={(event) => setService(event.currentTarget.value as ImportService)}
        />
        <Select
          label="Your clock"
          value={zone}
          options={CLOCKS}
          disabled={part !== null}
          onChange={(event) => setZone(event.currentTarget.value)}
        />
        <Button variant="primary" icon={FileUp} disabled={!file || busy} busy={part !== null} onClick={() => void send()}>
          Bring along
        </Button>
      </div>
      <p id={`${id}-note`} className={failed ? 'field-error' : 'field-hint'} role={failed ? 'alert' : undefined}>
        {failed ?? hint}
      </p>
      {part !== null && (
        <div className="past-progress">
          <span className="small muted">Sending {file ? bytes(file.size) : ''}</span>
          <progress className="progress" aria-label="Sending" max={1} value={part} />
          <IconButton size="s" label="Stop sending" icon={X} onClick={() => going.current?.cancel()} />
        </div>
      )}
    </>
  )
}

function Progress({ one }: { one: Import }) {
  const client = useQueryClient()
  const cancel = () => {
    api
      .del(`me/imports/${one.id}`)
      .then(() => client.invalidateQueries({ queryKey: importsQuery.queryKey }))
      .catch(complain)
  }
  return (
    <li className="line">
      <span className="line-text">
        <strong>{nameOf(one.service)}</strong>
        <span className="small muted" role="status">
          {one.state === 'waiting' && 'Waiting for its turn'}
          {one.state === 'running' && `${plural(one.read, 'play')} read`}
          {one.state === 'done' && summary(one)}
          {one.state === 'cancelled' && `Stopped. ${summary(one)}`}
          {one.state === 'failed' && (one.error ?? 'It could not be read.')}
        </span>
        {one.examples.length > 0 && !isRunning(one) && (
          <details className="small muted past-examples">
            <summary>What could not be read</summary>
            <ul>
              {one.examples.map((example, index) => (
                <li key={index}>{example}</li>
              ))}
            </ul>
          </details>
        )}
        {one.state === 'running' && (
          <progress
            className="progress"
            aria-label={`Reading ${nameOf(one.service)}`}
            {...(one.bytes_total ? { max: one.bytes_total, value: one.bytes_done } : {})}
          />
        )}
      </span>
      <IconButton
        size="s"
        label={isRunning(one) ? `Cancel the import from ${nameOf(one.service)}` : `Forget the import from ${nameOf(one.service)}`}
        icon={X}
        onClick={cancel}
      />
    </li>
  )
}
