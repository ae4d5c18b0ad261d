/** The player's own menu: sleep, private listening, the queue; then everything a track offers. */
import { EyeOff, Keyboard, ListMusic, Maximize2, Moon, MoonStar } from 'lucide-react'
import { trackMenu } from '../acts/menus'
import { player, type PlayerState, type Sleep } from '../engine'
import { go } from '../shell/navigation'
import { setPanel } from '../shell/panel'
import type { MenuItem } from '../ui/menus'
import { toast } from '../ui/toasts'
import { openShortcuts } from './shortcuts'

const MINUTES = [15, 30, 45, 60, 90]

export function moreMenu(state: Pick<PlayerState, 'current' | 'private'>): MenuItem[] {
  const track = state.current?.track
  const own: MenuItem[] = [
    { label: 'Full view', icon: Maximize2, hint: 'F', onSelect: () => go('/playing') },
    { label: 'Queue', icon: ListMusic, hint: 'Q', onSelect: () => setPanel(true) },
    {
      kind: 'check',
      label: 'Private listening',
      icon: EyeOff,
      checked: state.private,
      onSelect: () => {
        player.setPrivate(!state.private)
        toast(state.private ? 'Segue learns from what you play again.' : 'Private: Segue does not learn from what you play now.')
      },
    },
    { label: 'Keyboard shortcuts', icon: Keyboard, hint: '?', onSelect: openShortcuts },
  ]
  if (!track) return own
  return [...own, { kind: 'separator' }, ...trackMenu([track], async () => [track], { context: state.current?.context ?? undefined })]
}

export function sleepMenu(sleep: Sleep): MenuItem[] {
  const choices: MenuItem[] = MINUTES.map((minutes) => ({
    label: `In ${minutes} minutes`,
    icon: Moon,
    onSelect: () => {
      player.setSleepTimer(minutes)
      toast(`The music fades out in ${minutes} minutes.`)
    },
  }))
  choices.push({
    kind: 'check',
    label: 'At the end of this track',
    icon: MoonStar,
    checked: sleep?.kind === 'track',
    onSelect: () => player.setSleepTimer(sleep?.kind === 'track' ? null : 'track'),
  })
  if (sleep) choices.push({ kind: 'separator' }, { label: 'Turn the sleep timer off', onSelect: () => player.setSleepTimer(null) })
  return choices
}

