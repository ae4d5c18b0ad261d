import type { CSSProperties } from 'react'
import { join } from './Button'

export interface SliderProps {
  label: string
  value: number
  min?: number
  max: number
  step?: number
  onChange: (value: number) => void
  /** Once let go, where a change in between should not act. */
  onCommit?: (value: number) => void
  /** Read out instead of the bare number. */
  valueText?: string
  /** 0..1: how much is loaded, drawn behind. */
  buffered?: number
  disabled?: boolean
  className?: string
}

export function Slider({
  label,
  value,
  min = 0,
  max,
  step = 1,
  onChange,
  onCommit,
  valueText,
  buffered,
  disabled,
  className,
}: SliderProps) {
  const extent = max > min ? max - min : 1
  const fill = Math.min(1, Math.max(0, (value - min) / extent))
  const style = { '--fill': fill, '--buffered': Math.max(fill, buffered ?? 0) } as CSSProperties
  return (
    <input
      type="range"
      className={join('slider', className)}
      style={style}
      aria-label={label}
      aria-valuetext={valueText}
      min={min}
      max={max > min ? max : min + 1}
      step={step}
      value={value}
      disabled={disabled}
      onChange={(event) => onChange(event.currentTarget.valueAsNumber)}
      onPointerUp={(event) => onCommit?.(event.currentTarget.valueAsNumber)}
      onKeyUp={(event) => onCommit?.(event.currentTarget.valueAsNumber)}
    />
  )
}
