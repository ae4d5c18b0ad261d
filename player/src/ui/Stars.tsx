import { Star } from 'lucide-react'
import { useId } from 'react'
import { join } from './Button'

export interface StarsProps {
  /** 0..5, 0 for none. */
  value: number
  onChange: (value: number) => void
  /** What is rated, e.g. a title. */
  label: string
  size?: number
  className?: string
}

/** Five radio buttons that look like stars; pressing the current one takes the rating away. */
export function Stars({ value, onChange, label, size = 16, className }: StarsProps) {
  const name = useId()
  return (
    <span role="radiogroup" aria-label={`Rate ${label}`} className={join('stars', className)}>
      {[1, 2, 3, 4, 5].map((star) => (
        <label key={star} className={join('star', star <= value && 'star-on')} title={`${star} of 5`}>
          <input
            type="radio"
            className="sr-only"
            name={name}
            value={star}
            checked={star === value}
            aria-label={`${star} ${star === 1 ? 'star' : 'stars'}`}
            onChange={() => onChange(star)}
            onClick={() => star === value && onChange(0)}
            onKeyDown={(event) => {
              if (event.key === 'Backspace' || event.key === 'Delete' || event.key === '0') onChange(0)
            }}
          />
          <Star size={size} aria-hidden="true" />
        </label>
      ))}
    </span>
  )
}
