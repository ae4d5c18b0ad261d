import { Laptop, MonitorSpeaker, Smartphone, Tablet, Volume2, type LucideIcon } from 'lucide-react'
import { IconButton } from '../ui/Button'
import { openMenu, type MenuItem } from '../ui/menus'
import { live, otherOf, useDevices, type Others } from './live'

const ICONS: Record<string, LucideIcon> = { phone: Smartphone, tablet: Tablet, computer: Laptop }

/** Lists the listener's devices; choosing one moves what plays there. */
export function DevicesButton({ size = 's' }: { size?: 's' | 'm' }) {
  const others = useDevices()
  if (others.me === null) return null
  return (
    <IconButton
      label="Devices"
      icon={MonitorSpeaker}
      size={size}
      aria-haspopup="menu"
      className={otherOf(others) ? 'is-on' : ''}
      onClick={(event) => openMenu(event, 'Devices', menu(others))}
    />
  )
}

function menu(others: Others): MenuItem[] {
  const { me, devices } = others
  const items: MenuItem[] = devices.map((device) => ({
    label: device.id === me ? 'This browser' : device.name,
    icon: device.active ? Volume2 : (ICONS[device.kind] ?? MonitorSpeaker),
    ...(device.active ? { hint: device.state?.playing ? 'Playing' : 'Paused' } : {}),
    disabled: device.active,
    onSelect: () => (device.id === me ? live.ask('take_over') : live.ask('hand_over', device.id)),
  }))
  if (devices.length < 2) items.push({ label: 'Sign in elsewhere to play there', disabled: true, onSelect: () => undefined })
  return items
}
