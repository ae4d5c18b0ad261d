import { Moon } from 'lucide-react'
import { useEffect, useState } from 'react'
import { usePlayer, type Sleep } from '../engine'
import { IconButton } from '../ui/Button'
import { openMenu } from '../ui/menus'
import { sleepMenu } from './more'

export function SleepButton({ size = 's' }: { size?: 's' | 'm' }) {
  const sleep = usePlayer((state) => state.sleep)
  const left = useMinutesLeft(sleep)
  const label = sleep === null ? 'Sleep timer' : sleep.kind === 'track' ? 'Sleep timer: after this track' : `Sleep timer: ${left} min left`
  return (
    <span className="sleep">
      <IconButton
        label={label}
        icon={Moon}
        size={size}
        aria-haspopup="menu"
        className={sleep ? 'is-on' : ''}
        onClick={(event) => openMenu(event, 'Sleep timer', sleepMenu(sleep))}
      />
      {sleep?.kind === 'time' && (
        <span className="sleep-left tabular" aria-hidden="true">
          {left}
        </span>
      )}
    </span>
  )
}

function useMinutesLeft(sleep: Sleep): number {
  const [now, setNow] = useState(() => Date.now())
  useEffect(() => {
    if (sleep?.kind !== 'time') return
    setNow(Date.now())
    const timer = setInterval(() => setNow(Date.now()), 10_000)
    return () => clearInterval(timer)
  }, [sleep])
  return sleep?.kind === 'time' ? Math.max(1, Math.ceil((sleep.endsAt - now) / 60_000)) : 0
}
