import { Search, X } from 'lucide-react'
import { useEffect, useEffectEvent, useRef, useState } from 'react'
import { IconButton } from '../ui/Button'

const TYPING_MS = 250

/** A search box that says what is sought once typing pauses. `value` from outside (Back, a reload) wins over what stands in it. */
export function SearchField({
  label,
  value,
  onSought,
  autoFocus,
}: {
  label: string
  value: string
  onSought: (text: string) => void
  autoFocus?: boolean
}) {
  const [text, setText] = useState(value)
  const [seen, setSeen] = useState(value)
  const input = useRef<HTMLInputElement>(null)
  if (seen !== value) {
    setSeen(value)
    if (text.trim() !== value) setText(value)
  }
  const sought = useEffectEvent(() => {
    if (text.trim() !== value) onSought(text.trim())
  })
  useEffect(() => {
    const timer = setTimeout(sought, TYPING_MS)
    return () => clearTimeout(timer)
  }, [text])
  const clear = () => {
    setText('')
    input.current?.focus()
  }
  return (
    <div role="search" className="search-box past-search">
      <Search size={18} aria-hidden="true" />
      <input
        ref={input}
        type="search"
        aria-label={label}
        placeholder={label}
        autoComplete="off"
        autoFocus={autoFocus}
        spellCheck={false}
        maxLength={200}
        value={text}
        onChange={(event) => setText(event.currentTarget.value)}
        onKeyDown={(event) => {
          if (event.key !== 'Escape' || !text) return
          event.preventDefault()
          event.stopPropagation()
          setText('')
        }}
      />
      {text && <IconButton size="s" label="Clear the search" icon={X} onClick={clear} />}
    </div>
  )
}
