import type { Analysis } from '../api/types'
import { Button } from '../ui/Button'

const WHO = { tag: 'says the file', lyrics: 'guessed from the words of its lyrics; this can be wrong', corrected: 'set by hand' }

/** Whether the words are explicit and who says so; `onSay` sets it by hand (null: back to the file and its lyrics). */
export function Explicit({ explicit, onSay }: { explicit: Analysis['explicit']; onSay?: ((value: 1 | 0 | null) => void) | undefined }) {
  const { value, origin } = explicit
  if (value === null && !onSay) return null
  return (
    <p className="small muted">
      {value === null || !origin ? 'Not known to be explicit or clean. ' : `${value ? 'Explicit' : 'Not explicit'} (${WHO[origin]}). `}
      {onSay && origin === 'corrected' && (
        <Button size="s" onClick={() => onSay(null)}>
          Take back
        </Button>
      )}
      {onSay && origin !== 'corrected' && (
        <Button size="s" onClick={() => onSay(value ? 0 : 1)}>
          {value ? 'It is not' : 'It is explicit'}
        </Button>
      )}
    </p>
  )
}
