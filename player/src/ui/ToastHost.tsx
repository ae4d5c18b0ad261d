import { X } from 'lucide-react'
import { IconButton, join } from './Button'
import { dismiss, useToasts } from './toasts'

export function ToastHost() {
  const toasts = useToasts()
  return (
    <div className="toasts" role="status" aria-live="polite">
      {toasts.map((each) => (
        <div key={each.id} className={join('toast', each.tone === 'bad' && 'toast-bad')}>
          <span>{each.text}</span>
          {each.action && (
            <button
              type="button"
              className="toast-action"
              onClick={() => {
                each.action?.onSelect()
                dismiss(each.id)
              }}
            >
              {each.action.label}
            </button>
          )}
          <IconButton label="Dismiss" icon={X} size="s" onClick={() => dismiss(each.id)} />
        </div>
      ))}
    </div>
  )
}
