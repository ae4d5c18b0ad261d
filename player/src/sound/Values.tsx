import { Undo2 } from 'lucide-react'
import type { Analysis, SoundValue } from '../api/types'
import { clock } from '../format'
import { Button, IconButton } from '../ui/Button'
import { beside, camelot, confidenceText, keyName, MEASURES, MOMENTS, momentText, percent, PROXIES } from './words'

interface ValuesProps {
  analysis: Analysis
  /** Given to admins: goes back to what was measured. */
  onUndo?: ((names: string[]) => void) | undefined
}

/** Tempo, key and levels as tiles; each says how sure it is, and what was measured where it was corrected. */
export function Measures({ analysis, onUndo }: ValuesProps) {
  const { values } = analysis
  const key = values['key']
  const mode = values['mode']
  const tiles = MEASURES.flatMap((measure) => {
    const name = measure.names.find((each) => values[each])
    const value = name ? values[name] : undefined
    return name && value ? [{ ...measure, name, names: [name], value }] : []
  })
  const bpm = tiles.filter((tile) => tile.name === 'tempo_bpm')
  return (
    <dl className="tiles sound-tiles">
      {bpm.map((tile) => (
        <Tile key={tile.name} {...tile} text={tile.write(tile.value.value)} onUndo={onUndo} />
      ))}
      {key && (
        <Tile
          name="key"
          names={mode?.origin === 'corrected' ? ['key', 'mode'] : ['key']}
          label="Key"
          about="The key it is mostly in; the code is that of the Camelot wheel, where neighbours mix well."
          value={mode?.origin === 'corrected' && key.origin !== 'corrected' ? mode : key}
          text={keyName(key.value, mode?.value)}
          below={analysis.camelot ?? undefined}
          write={() =>
            `${keyName(key.measured ?? key.value, mode?.measured ?? mode?.value)}${mode ? ` (${camelot(key.measured ?? key.value, mode.measured ?? mode.value)})` : ''}`
          }
          measuredToo={key.measured !== null || (mode?.measured ?? null) !== null}
          onUndo={onUndo}
        />
      )}
      {tiles
        .filter((tile) => tile.name !== 'tempo_bpm')
        .map((tile) => (
          <Tile key={tile.name} {...tile} text={tile.write(tile.value.value)} onUndo={onUndo} />
        ))}
    </dl>
  )
}

function Tile({
  name,
  names = [name],
  label,
  about,
  value,
  text,
  below,
  than,
  write,
  measuredToo = value.measured !== null,
  onUndo,
}: {
  name: string
  names?: string[]
  label: string
  about: string
  value: SoundValue
  text: string
  below?: string | undefined
  than?: string
  write: (value: number) => string
  measuredToo?: boolean
  onUndo?: ((names: string[]) => void) | undefined
}) {
  const corrected = value.origin === 'corrected'
  const rank = than ? beside(than, value.percentile) : null
  return (
    <div className="tile" title={about}>
      <dt>
        {label}
        <span className="sr-only">: {about}</span>
      </dt>
      <dd>
        {text}
        {below && <span className="badge sound-code">{below}</span>}
        {rank && <span className="past-below">{rank}</span>}
        <span className="past-below">
          {confidenceText(value)}
          {corrected && measuredToo && ` · measured ${write(value.measured ?? 0)}`}
        </span>
        {corrected && onUndo && (
          <Button
            size="s"
            icon={Undo2}
            className="sound-undo"
            aria-label={`Undo the correction of ${label.toLowerCase()}`}
            onClick={() => onUndo(names)}
          >
            Undo
          </Button>
        )}
      </dd>
    </div>
  )
}

/** The seven guesses, as bars that compare with the library. */
export function Proxies({ analysis, onUndo }: ValuesProps) {
  const there = PROXIES.flatMap((proxy) => {
    const value = analysis.values[proxy.name]
    return value ? [{ ...proxy, value }] : []
  })
  if (there.length === 0) return null
  return (
    <section className="past-card">
      <h2>Character</h2>
      <p className="small muted sound-about">
        Stand-ins computed from a few features of the sound, not measurements and not opinions: good for comparing tracks with each
        other. A bar shows where this track stands in your library.
      </p>
      <ul className="proxies">
        {there.map(({ name, label, than, about, value }) => {
          const width = value.percentile ?? value.value * 100
          return (
            <li key={name} className="proxy">
              <span className="top-line">
                <strong>{label}</strong>
                <span className="small muted tabular">
                  {beside(than, value.percentile) ?? percent(value.value)} · {confidenceText(value)}
                  {value.origin === 'corrected' && value.measured !== null && ` · measured ${percent(value.measured)}`}
                  {value.origin === 'corrected' && onUndo && (
                    <IconButton
                      size="s"
                      label={`Undo the correction of ${label.toLowerCase()}`}
                      icon={Undo2}
                      onClick={() => onUndo([name])}
                    />
                  )}
                </span>
              </span>
              <span className="top-track" aria-hidden="true">
                <span className="top-bar" style={{ width: `${Math.max(1, width)}%` }} />
              </span>
              <span className="small muted">{about}</span>
            </li>
          )
        })}
      </ul>
    </section>
  )
}

/** Cues, intro, outro and silence, as times. */
export function Moments({ analysis, onUndo }: ValuesProps) {
  const there = MOMENTS.flatMap((moment) => {
    const value = analysis.values[moment.name]
    return value ? [{ ...moment, value }] : []
  })
  if (there.length === 0) return null
  return (
    <dl className="moments">
      {there.map(({ name, label, value }) => (
        <div key={name}>
          <dt>
            <span className={`wave-key wave-${name}`} aria-hidden="true" />
            {label}
          </dt>
          <dd className="tabular" title={confidenceText(value)}>
            {momentText(name, value.value)}
            <span className="sr-only">, {confidenceText(value)}</span>
            {value.origin === 'corrected' && (
              <span className="small muted">
                {' '}
                corrected{value.measured !== null && `, measured ${name.startsWith('silence') ? momentText(name, value.measured) : clock(value.measured * 1000)}`}
                {onUndo && (
                  <IconButton size="s" label={`Undo the correction of ${label.toLowerCase()}`} icon={Undo2} onClick={() => onUndo([name])} />
                )}
              </span>
            )}
          </dd>
        </div>
      ))}
    </dl>
  )
}
