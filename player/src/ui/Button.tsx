import type { LucideIcon } from 'lucide-react'
import type { ButtonHTMLAttributes, ReactNode, Ref } from 'react'

export interface ButtonProps extends ButtonHTMLAttributes<HTMLButtonElement> {
  variant?: 'primary' | 'soft' | 'ghost' | 'danger'
  size?: 's' | 'm' | 'l'
  icon?: LucideIcon
  /** Shows a spinner and refuses presses. */
  busy?: boolean
  ref?: Ref<HTMLButtonElement>
}

export function Button({ variant = 'soft', size = 'm', icon: Icon, busy, className, children, disabled, ...rest }: ButtonProps) {
  return (
    <button
      type="button"
      {...rest}
      disabled={disabled || busy}
      aria-busy={busy || undefined}
      className={join('btn', `btn-${variant}`, size !== 'm' && `btn-${size}`, className)}
    >
      {busy ? <span className="spinner" aria-hidden="true" /> : Icon && <Icon size={size === 's' ? 16 : 18} aria-hidden="true" />}
      {children}
    </button>
  )
}

export interface IconButtonProps extends Omit<ButtonHTMLAttributes<HTMLButtonElement>, 'children'> {
  /** Read out, and shown as the title. */
  label: string
  icon: LucideIcon | ReactNode
  size?: 's' | 'm' | 'l'
  variant?: 'ghost' | 'soft' | 'primary'
  pressed?: boolean
  ref?: Ref<HTMLButtonElement>
}

export function IconButton({ label, icon, size = 'm', variant = 'ghost', pressed, className, ...rest }: IconButtonProps) {
  const px = size === 's' ? 16 : size === 'l' ? 24 : 20
  return (
    <button
      type="button"
      title={label}
      {...rest}
      aria-label={label}
      aria-pressed={pressed}
      className={join('icon-btn', `icon-btn-${size}`, `icon-btn-${variant}`, className)}
    >
      {renderIcon(icon, px)}
    </button>
  )
}

export function renderIcon(icon: LucideIcon | ReactNode, px: number): ReactNode {
  if (icon !== null && typeof icon === 'object' && 'render' in icon) {
    const Icon = icon as unknown as LucideIcon
    return <Icon size={px} aria-hidden="true" />
  }
  return icon as ReactNode
}

/** Class names, leaving out what is false. */
export function join(...names: (string | false | null | undefined)[]): string {
  return names.filter(Boolean).join(' ')
}
