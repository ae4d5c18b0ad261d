import { useState } from 'react'
import { Button } from '../ui/Button'
import { Select, TextField } from '../ui/Form'
import { camelot, KEYS } from './words'
import { boundsOf, rangeOf, type SoundParams } from './filter'

export { soundOf } from './filter'

const keys = [
  { value: '', label: 'Any key' },
  ...KEYS.map((label, key) => ({ value: String(key), label: `${label} (${camelot(key, 1)}, ${camelot(key, 0)})` })),
]
const modes = [
  { value: '', label: 'Any mode' },
  { value: '1', label: 'Major' },
  { value: '0', label: 'Minor' },
]

/** Ranges of tempo and energy, and the key; only tracks that were analysed are found by them. */
export function SoundFilter({
  sound,
  onChange,
  onClear,
}: {
  sound: SoundParams
  onChange: (name: string, value: string) => void
  onClear: () => void
}) {
  return (
    <div className="sound-filter" id="sound-filter" role="group" aria-label="Filter by sound">
      <Range key={`tempo ${sound.tempo}`} name="tempo" label="Tempo" unit="BPM" scale={1} most={400} sound={sound} onChange={onChange} />
      <Range key={`energy ${sound.energy}`} name="energy" label="Energy" unit="%" scale={100} most={100} sound={sound} onChange={onChange} />
      <Select label="Key" value={sound.key ?? ''} options={keys} onChange={(event) => onChange('key', event.currentTarget.value)} />
      <Select label="Mode" value={sound.mode ?? ''} options={modes} onChange={(event) => onChange('mode', event.currentTarget.value)} />
      <Button
        size="s"
        disabled={Object.values(sound).every((value) => value === null)}
        onClick={onClear}
      >
        Clear
      </Button>
    </div>
  )
}

/** Two boxes; what is typed holds once the box is left, or on Enter. */
function Range({
  name,
  label,
  unit,
  scale,
  most,
  sound,
  onChange,
}: {
  name: 'tempo' | 'energy'
  label: string
  unit: string
  scale: number
  most: number
  sound: SoundParams
  onChange: (name: string, value: string) => void
}) {
  const [bounds, setBounds] = useState(() => boundsOf(sound[name], scale))
  const commit = () => {
    const range = rangeOf(bounds, scale)
    if (range !== (sound[name] ?? '')) onChange(name, range)
  }
  return (
    <>
      {(['from', 'up to'] as const).map((side, at) => (
        <TextField
          key={side}
          label={`${label} ${side} (${unit})`}
          type="number"
          inputMode="numeric"
          min={0}
          max={most}
          value={bounds[at] ?? ''}
          onChange={(event) => {
            const { value } = event.currentTarget
            setBounds((old) => (at === 0 ? [value, old[1]] : [old[0], value]))
          }}
          onBlur={commit}
          onKeyDown={(event) => event.key === 'Enter' && commit()}
        />
      ))}
    </>
  )
}
