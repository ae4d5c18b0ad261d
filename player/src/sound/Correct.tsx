import { useState, type FormEvent } from 'react'
import type { Analysis } from '../api/types'
import { Button } from '../ui/Button'
import { Dialog } from '../ui/Dialog'
import { Select, TextField } from '../ui/Form'
import { KEYS, MOMENTS, PROXIES } from './words'

interface Box {
  name: string
  label: string
  min: number
  max: number
  step: number
  /** What one unit of the box is in the value's own. */
  unit: number
  hint?: string
}

const BOXES: Box[] = [
  { name: 'tempo_bpm', label: 'Tempo (BPM)', min: 20, max: 400, step: 0.1, unit: 1 },
  { name: 'time_signature', label: 'Beats in a bar', min: 2, max: 12, step: 1, unit: 1 },
  ...PROXIES.map(({ name, label }) => ({ name, label: `${label} (%)`, min: 0, max: 100, step: 1, unit: 0.01 })),
  ...MOMENTS.map(({ name, label }) => ({ name, label: `${label} (seconds)`, min: 0, max: 86_400, step: 0.1, unit: 1 })),
]

/** As a box of such steps takes it: a browser sends no form in which a number stands between two steps. */
function round(value: number, step: number): string {
  return String(Number((Math.round(value / step) * step).toFixed(1)))
}

/** Only what was changed is sent. */
export function changes(before: Record<string, string>, after: Record<string, string>): Record<string, number> {
  const found: Record<string, number> = {}
  for (const box of BOXES) {
    const text = after[box.name]?.trim()
    if (text && text !== before[box.name] && Number.isFinite(Number(text))) found[box.name] = Number(text) * box.unit
  }
  const key = after['key']
  if (key && key !== before['key']) {
    const [tonic, mode] = key.split(' ').map(Number)
    found['key'] = tonic ?? 0
    found['mode'] = mode ?? 1
  }
  return found
}

export function boxesOf(analysis: Analysis): Record<string, string> {
  const held: Record<string, string> = {}
  for (const box of BOXES) {
    const value = analysis.values[box.name]
    if (value) held[box.name] = round(value.value / box.unit, box.step)
  }
  const { key, mode } = analysis.values
  if (key && mode) held['key'] = `${Math.round(key.value)} ${mode.value >= 0.5 ? 1 : 0}`
  return held
}

const keyOptions = KEYS.flatMap((name, tonic) => [
  { value: `${tonic} 1`, label: `${name} major` },
  { value: `${tonic} 0`, label: `${name} minor` },
])

/** Values set by hand, for everyone; they outlast every later analysis. */
export function Correct({
  analysis,
  onClose,
  onSave,
}: {
  analysis: Analysis
  onClose: () => void
  onSave: (values: Record<string, number>) => Promise<unknown>
}) {
  const [before] = useState(() => boxesOf(analysis))
  const [after, setAfter] = useState(before)
  const [busy, setBusy] = useState(false)
  const [error, setError] = useState<string | null>(null)
  const found = changes(before, after)
  const submit = async (event: FormEvent) => {
    event.preventDefault()
    setBusy(true)
    setError(null)
    try {
      await onSave(found)
      onClose()
    } catch (failure) {
      setError(failure instanceof Error ? failure.message : 'That did not work.')
      setBusy(false)
    }
  }
  const set = (name: string, value: string) => setAfter((old) => ({ ...old, [name]: value }))
  return (
    <Dialog
      open
      wide
      onClose={onClose}
      title="Correct values"
      footer={
        <>
          <Button onClick={onClose}>Cancel</Button>
          <Button
            variant="primary"
            type="submit"
            form="correct"
            busy={busy}
            disabled={Object.keys(found).length === 0}
          >
            Save
          </Button>
        </>
      }
    >
      <form id="correct" className="stack" onSubmit={(event) => void submit(event)}>
        <p className="muted small">
          For everyone, for every copy of this audio, and across later analyses. What was measured is kept, and each value can go
          back to it.
        </p>
        {error && (
          <p className="field-error" role="alert">
            {error}
          </p>
        )}
        <div className="pair">
          <Select
            label="Key"
            value={after['key'] ?? ''}
            options={[...(before['key'] ? [] : [{ value: '', label: 'Not known' }]), ...keyOptions]}
            onChange={(event) => set('key', event.currentTarget.value)}
          />
          {BOXES.map((box) => (
            <TextField
              key={box.name}
              label={box.label}
              type="number"
              inputMode="decimal"
              min={box.min}
              max={box.max}
              step={box.step}
              value={after[box.name] ?? ''}
              onChange={(event) => set(box.name, event.currentTarget.value)}
            />
          ))}
        </div>
      </form>
    </Dialog>
  )
}
