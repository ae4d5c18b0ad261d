import { CircleAlert, type LucideIcon, RotateCw } from 'lucide-react'
import type { ReactNode } from 'react'
import { ApiError } from '../api/client'
import { Button, join } from './Button'

export function EmptyState({
  icon: Icon,
  title,
  children,
  action,
}: {
  icon: LucideIcon
  title: string
  children?: ReactNode
  action?: ReactNode
}) {
  return (
    <div className="state">
      <span className="state-icon">
        <Icon size={28} strokeWidth={1.6} aria-hidden="true" />
      </span>
      <h2>{title}</h2>
      {children && <p className="muted">{children}</p>}
      {action}
    </div>
  )
}

export function ErrorState({ error, onRetry }: { error: unknown; onRetry?: () => void }) {
  const missing = error instanceof ApiError && error.status === 404
  const text = error instanceof Error ? error.message : 'Something went wrong.'
  return (
    <div className="state" role="alert">
      <span className="state-icon state-icon-bad">
        <CircleAlert size={28} strokeWidth={1.6} aria-hidden="true" />
      </span>
      <h2>{missing ? 'Not here' : 'That did not work'}</h2>
      <p className="muted">{missing ? 'It was removed, or you were not given access to it.' : text}</p>
      {onRetry && !missing && (
        <Button icon={RotateCw} onClick={onRetry}>
          Try again
        </Button>
      )}
    </div>
  )
}

export function Skeleton({ className }: { className?: string }) {
  return <span className={join('skeleton', className)} aria-hidden="true" />
}

export function Loading({ label = 'Loading' }: { label?: string }) {
  return (
    <div className="loading" role="status">
      <span className="spinner" aria-hidden="true" />
      <span className="sr-only">{label}</span>
    </div>
  )
}

export function RowSkeletons({ rows = 8 }: { rows?: number }) {
  return (
    <div role="status" aria-label="Loading">
      {Array.from({ length: rows }, (_, index) => (
        <div className="row-skeleton" key={index}>
          <Skeleton className="sk-art" />
          <span className="sk-lines">
            <Skeleton className="sk-line" />
            <Skeleton className="sk-line sk-short" />
          </span>
        </div>
      ))}
    </div>
  )
}

export function CardSkeletons({ cards = 12 }: { cards?: number }) {
  return (
    <div className="grid" role="status" aria-label="Loading">
      {Array.from({ length: cards }, (_, index) => (
        <div className="card" key={index}>
          <Skeleton className="sk-square" />
          <Skeleton className="sk-line" />
          <Skeleton className="sk-line sk-short" />
        </div>
      ))}
    </div>
  )
}
