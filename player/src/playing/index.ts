/** What is seen of the player: the bar, the full view, the queue and the sheet of shortcuts. */
import './playing.css'

export { NowPlaying } from './NowPlaying'
export { PlayerBar } from './PlayerBar'
export { QueuePanel } from './QueuePanel'
export { ShortcutsDialog } from './ShortcutsDialog'
export { openShortcuts } from './shortcuts'
