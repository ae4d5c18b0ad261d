import { Check, Copy as CopyIcon } from 'lucide-react'
import { useState } from 'react'
import { IconButton } from './Button'

/** A value in a box with a button that copies it. */
export function Copy({ label, value }: { label: string; value: string }) {
  const [copied, setCopied] = useState(false)
  const copy = async () => {
    try {
      await navigator.clipboard.writeText(value)
    } catch {
      // Plain HTTP has no clipboard: the old way still works there.
      const area = document.createElement('textarea')
      area.value = value
      area.className = 'sr-only'
      ;(document.querySelector('dialog[open]') ?? document.body).append(area)
      area.select()
      document.execCommand('copy')
      area.remove()
    }
    setCopied(true)
    setTimeout(() => setCopied(false), 2_000)
  }
  return (
    <div className="copy">
      <span className="copy-label">{label}</span>
      <span className="copy-box">
        <code>{value}</code>
        <IconButton
          size="s"
          label={copied ? `${label} copied` : `Copy ${label.toLowerCase()}`}
          icon={copied ? Check : CopyIcon}
          onClick={() => void copy()}
        />
      </span>
      <span className="sr-only" role="status">
        {copied ? 'Copied' : ''}
      </span>
    </div>
  )
}
