/** The volume knob and the mute, kept by this browser. */
import { volumeGain } from './gain'
import { readJson, writeJson } from './keep'
import { getState, initial, setState } from './store'

const KEY = 'segue.volume'

interface Settings {
  volume: number
  muted: boolean
}

export class Volume {
  /** `apply` takes the linear gain, 0..1. */
  constructor(private readonly apply: (gain: number) => void) {
    const kept = readJson<Settings>(KEY)
    if (kept) setState({ volume: knob(kept.volume), muted: kept.muted === true })
  }

  set(volume: number): void {
    setState({ volume: knob(volume), muted: false })
    this.settle()
  }

  mute(muted: boolean): void {
    setState({ muted })
    this.settle()
  }

  settle(): void {
    const { volume, muted } = getState()
    this.apply(muted ? 0 : volumeGain(volume))
    writeJson(KEY, { volume, muted } satisfies Settings)
  }
}

function knob(value: number): number {
  return Number.isFinite(value) ? Math.min(1, Math.max(0, value)) : initial.volume
}
