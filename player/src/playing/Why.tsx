import { Sparkles } from 'lucide-react'
import type { QueueItem } from '../engine'
import { join } from '../ui/Button'

/** Segue's reasons for an item it appended; nothing for what was chosen. */
export function because(item: QueueItem): string | null {
  const texts = item.reasons?.map((reason) => reason.text.trim()).filter(Boolean) ?? []
  return texts.length > 0 ? texts.join(' · ') : null
}

export function Why({ item, className }: { item: QueueItem; className?: string }) {
  const text = because(item)
  if (!text) return null
  return (
    <span className={join('why', className)}>
      <Sparkles size={13} aria-hidden="true" />
      <span className="sr-only">Chosen by Segue: </span>
      <span className="ellipsis" title={text}>
        {text}
      </span>
    </span>
  )
}
