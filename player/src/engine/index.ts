/** Sound, the queue and what is told of both. Pages press `player` and read with `usePlayer`. */
export type { EmitExtra } from './player'
export { player } from './together'
export { usePlayer, type PlayerState, type QueueItem, type Repeat, type Sleep, type Status } from './store'
