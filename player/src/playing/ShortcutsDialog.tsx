import { Dialog } from '../ui/Dialog'
import { Switch } from '../ui/Form'
import { closeShortcuts, enableShortcuts, SHEET, useSheet } from './shortcuts'

export function ShortcutsDialog() {
  const { open, enabled } = useSheet()
  return (
    <Dialog open={open} onClose={closeShortcuts} title="Keyboard shortcuts">
      <dl className="keys">
        {SHEET.map(({ keys, what }) => (
          <div key={what} className="keys-row">
            <dt>{what}</dt>
            <dd>
              {keys.map((key) => (
                <kbd key={key}>{key}</kbd>
              ))}
            </dd>
          </div>
        ))}
      </dl>
      <Switch
        label="Single-letter shortcuts"
        hint="Turn them off if you steer by voice or switch."
        checked={enabled}
        onChange={enableShortcuts}
      />
    </Dialog>
  )
}
