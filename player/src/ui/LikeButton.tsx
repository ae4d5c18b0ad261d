import { Heart } from 'lucide-react'
import { setLiked } from '../acts/acts'
import { useStanding } from '../acts/store'
import type { Id, SubjectType } from '../api/types'
import { IconButton, join } from './Button'

export interface LikeButtonProps {
  type: SubjectType
  entity: { id: Id; liked_at: string | null; rating: number }
  /** Its title or name, read out. */
  name: string
  size?: 's' | 'm' | 'l'
  className?: string
}

export function LikeButton({ type, entity, name, size = 'm', className }: LikeButtonProps) {
  const { liked } = useStanding(entity)
  return (
    <IconButton
      label={liked ? `Unlike ${name}` : `Like ${name}`}
      title={liked ? 'Unlike' : 'Like'}
      icon={<Heart size={size === 's' ? 16 : size === 'l' ? 24 : 20} aria-hidden="true" />}
      size={size}
      className={join('like', liked && 'like-on', className)}
      onClick={(event) => {
        event.stopPropagation()
        setLiked(type, entity, !liked)
      }}
    />
  )
}
