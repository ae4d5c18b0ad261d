import { useState, type FormEvent } from 'react'
import type { Listen } from '../api/types'
import { Button } from '../ui/Button'
import { Dialog } from '../ui/Dialog'
import { TextField } from '../ui/Form'
import { nameOf } from './acts'
import { isoDate } from './days'

/** `2026-11-21T18:05:09`, by this clock: what the browser's field takes. */
function fieldValue(at: Date): string {
  return `${isoDate(at)}T${at.toTimeString().slice(0, 8)}`
}

/** Asks when it was. Open while `listen` is given. */
export function ChangeTime({
  listen,
  onClose,
  onChosen,
}: {
  listen: Listen | null
  onClose: () => void
  onChosen: (listen: Listen, at: Date) => void
}) {
  return (
    <Dialog
      open={listen !== null}
      onClose={onClose}
      title="Change the time"
      footer={
        <>
          <Button onClick={onClose}>Cancel</Button>
          <Button type="submit" form="change-time" variant="primary">
            Change
          </Button>
        </>
      }
    >
      {listen && (
        <When
          listen={listen}
          onChosen={(at) => {
            onClose()
            onChosen(listen, at)
          }}
        />
      )}
    </Dialog>
  )
}

function When({ listen, onChosen }: { listen: Listen; onChosen: (at: Date) => void }) {
  const [value, setValue] = useState(() => fieldValue(new Date(listen.listened_at)))
  const [error, setError] = useState<string | null>(null)
  const submit = (event: FormEvent) => {
    event.preventDefault()
    const at = new Date(value)
    if (Number.isNaN(at.getTime())) setError('That is not a time.')
    else if (at.getTime() > Date.now()) setError('It was heard before now.')
    else onChosen(at)
  }
  return (
    <form id="change-time" className="stack" onSubmit={submit} noValidate>
      <TextField
        label={`When did “${nameOf(listen)}” begin?`}
        type="datetime-local"
        step={1}
        required
        autoFocus
        value={value}
        error={error}
        onChange={(event) => setValue(event.currentTarget.value)}
      />
    </form>
  )
}
