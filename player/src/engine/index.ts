/** Sound, the queue and what is told of both. Pages press `player` and read with `usePlayer`. */
export { player, type EmitExtra } from './player'
export { usePlayer, type PlayerState, type QueueItem, type Repeat, type Sleep, type Status } from './store'
