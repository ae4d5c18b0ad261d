/**
 * Two voices and the way from one to the other: a seamless join, or a crossfade of equal power.
 *
 * For a join the prepared voice is started a little early and held on the audio thread (`joint.worklet.js`), which lets it go
 * right after the last sample of the one that ends. Without worklets (browsers have them on HTTPS and localhost only) the start
 * is aimed at the end by a timer: how long an element takes from `play()` to its first sample is measured and taken off, which
 * leaves a gap: 7 to 12 ms were measured in Chromium 150 on two cores. With the joint, a tone cut into FLAC files went on without
 * one sample lost or added (`tests/e2e` holds it to that); MP3, Opus and transcodes joined without a silent window of 2.5 ms.
 *
 * Mixing needs the page's audio graph. On iPhone and iPad a page's graph is silenced as soon as the screen locks, an element is
 * not; there the elements play directly and crossfade, ReplayGain and the volume knob (which the system owns) do nothing.
 */
import type { Track } from '../api/types'
import { curve, fadeIn, fadeOut } from './gain'
import type { Plan } from './source'
import { Voice, type VoiceEvent } from './voice'

export interface Cue {
  key: string
  track: Track
  plan: Plan
  /** The linear factor of this track (ReplayGain). */
  factor: number
  /** 0: a seamless join. */
  overlapS: number
}

export interface DeckListener {
  /** Four times a second while it sounds. */
  tick(): void
  /** The first sound of a start, a resume, or after waiting. */
  sounding(): void
  waiting(): void
  /** The prepared cue took over by itself; `cue` is the one that now sounds. */
  advanced(cue: Cue): void
  /** It ran out and nothing was prepared. */
  ranOut(): void
  failed(code: number, message: string): void
  /** The browser wants a press first. */
  refused(): void
}

const TICK_MS = 250
const PRELOAD_MS = 40_000
/** From here on a timer aims at the very end. */
const AIM_MS = 1_500
/** How long the audio thread should hold the next voice: enough for a late timer. */
const HELD_MS = 70
/** The delay of a voice that was not held. */
const DELAY_MS = 70
/** The end of a stream is known only as well as its tags: it is held this much longer. */
const GUESS_MS = 120
const STALL_MS = 20_000
const LEAD_KEY = 'segue.lead'

export class Deck {
  private context: AudioContext | null = null
  private master: GainNode | null = null
  /** Where joins are made to the sample; null where the browser has no worklets (a page over plain HTTP). */
  private joint: AudioWorkletNode | null = null
  private mixReady: Promise<void> | null = null
  /** How much later than its element the current voice is heard. */
  private delayMs = DELAY_MS
  private readonly voices: readonly [Voice, Voice]
  private current: Voice
  private other: Voice
  private cue: Cue | null = null
  private next: Cue | null = null
  /** The prepared voice failed to load: it is not tried again before its turn. */
  private nextFailed = false
  private unlocked = false
  private wantsSound = false
  private knob = 1
  private dim = 1
  private tickTimer: ReturnType<typeof setInterval> | null = null
  private aimTimer: ReturnType<typeof setTimeout> | null = null
  private tailTimer: ReturnType<typeof setTimeout> | null = null
  private waitingSince: number | null = null
  private leadMs = readLead()

  constructor(
    private readonly listener: DeckListener,
    private readonly mixes: boolean = canMix(),
  ) {
    this.current = new Voice((voice, event) => this.on(voice, event))
    this.other = new Voice((voice, event) => this.on(voice, event))
    this.voices = [this.current, this.other]
  }

  get positionMs(): number {
    return this.current.positionMs
  }

  get durationMs(): number {
    return this.current.durationMs
  }

  get bufferedMs(): number {
    return this.current.bufferedMs
  }

  get loadedKey(): string | null {
    return this.cue?.key ?? null
  }

  /** Drops what sounds and starts `cue` at `startMs`. With `sound` false it is only made ready. */
  play(cue: Cue, startMs: number, sound: boolean): void {
    this.settleTail()
    this.disarm()
    const ready = this.next?.key === cue.key && startMs === 0 && this.other.ready && this.other.track?.id === cue.track.id
    this.cue = cue
    this.next = null
    if (ready) {
      const old = this.current
      this.current = this.other
      this.other = old
      old.unload()
    } else {
      this.other.unload()
      this.current.load(cue.track, cue.plan, startMs)
    }
    for (const input of [0, 1]) this.joint?.port.postMessage({ reset: input })
    this.delayMs = DELAY_MS
    this.level(this.current, cue.factor)
    this.wantsSound = sound
    if (sound) this.sound()
    else this.halt()
  }

  /** What follows by itself once this one ends, or null. Loaded when the end comes near. */
  prepare(cue: Cue | null): void {
    if (cue && this.next && cue.key === this.next.key && cue.overlapS === this.next.overlapS && samePlan(cue, this.next)) {
      this.next = { ...cue }
      return
    }
    this.disarm()
    this.next = cue
    this.nextFailed = false
    if (this.tailTimer === null) this.other.unload()
    this.approach()
  }

  resume(): void {
    this.wantsSound = true
    this.sound()
  }

  pause(): void {
    this.wantsSound = false
    this.settleTail()
    this.disarm()
    this.halt()
  }

  seek(ms: number): void {
    this.settleTail()
    this.disarm()
    this.current.seek(ms)
    if (this.wantsSound) this.sound()
  }

  /** Silence, with nothing loaded. */
  stop(): void {
    this.wantsSound = false
    this.disarm()
    this.settleTail()
    this.halt()
    this.current.unload()
    this.other.unload()
    this.cue = null
    this.next = null
  }

  /** `gain` 0..1, linear. */
  setVolume(gain: number): void {
    this.knob = gain
    this.applyVolume(0.03)
  }

  /** Fades all sound to `level` 0..1 within `seconds`: the sleep timer. */
  setDim(level: number, seconds: number): void {
    this.dim = level
    this.applyVolume(seconds)
  }

  /** A changed ReplayGain mode reaches what already sounds. */
  setFactor(factor: number): void {
    if (!this.cue) return
    this.cue = { ...this.cue, factor }
    if (this.tailTimer === null) this.level(this.current, factor)
  }

  private applyVolume(seconds: number): void {
    const level = this.knob * this.dim
    if (this.master && this.context) {
      const at = this.context.currentTime
      this.master.gain.cancelScheduledValues(at)
      this.master.gain.setValueAtTime(this.master.gain.value, at)
      this.master.gain.linearRampToValueAtTime(level, at + Math.max(0.01, seconds))
    } else {
      this.current.element.volume = level
      this.other.element.volume = level
    }
  }

  private level(voice: Voice, factor: number): void {
    if (!voice.gain || !this.context) return
    voice.gain.gain.cancelScheduledValues(0)
    voice.gain.gain.setValueAtTime(factor, this.context.currentTime)
  }

  /** The graph is made at the first sound: before a press a browser would only start it suspended. */
  private graph(): void {
    if (!this.mixes) return
    if (!this.context) {
      this.context = new AudioContext({ latencyHint: 'playback' })
      this.master = this.context.createGain()
      this.master.gain.value = this.knob * this.dim
      this.master.connect(this.context.destination)
      this.current.element.volume = 1
      this.other.element.volume = 1
      this.current.connect(this.context, this.master)
      this.other.connect(this.context, this.master)
      if (this.cue) this.level(this.current, this.cue.factor)
      const { context, master } = this
      // The first sound waits for it a moment: to put it in later would be heard.
      this.mixReady = Promise.race([this.makeJoint(context, master), new Promise<void>((resolve) => setTimeout(resolve, 300))])
      void this.mixReady.then(() => {
        this.mixReady = null
      })
    }
    if (this.context.state !== 'running') void this.context.resume().catch(() => undefined)
  }

  /** Puts the joint between the voices and the mix. Until it is there they sound directly. */
  private async makeJoint(context: AudioContext, master: GainNode): Promise<void> {
    if (!context.audioWorklet) return
    try {
      await context.audioWorklet.addModule(new URL('./joint.worklet.js', import.meta.url))
      const joint = new AudioWorkletNode(context, 'segue-joint', {
        numberOfInputs: 2,
        outputChannelCount: [2],
        channelCount: 2,
        channelCountMode: 'explicit',
      })
      joint.connect(master)
      this.voices.forEach((voice, input) => {
        voice.gain?.disconnect()
        voice.gain?.connect(joint, 0, input)
      })
      joint.port.onmessage = ({ data }: MessageEvent<{ delayS: number }>) => {
        this.delayMs = data.delayS * 1000
      }
      joint.onprocessorerror = () => this.dropJoint(master)
      this.joint = joint
    } catch {
      // No worklet after all: the timer aims.
    }
  }

  private dropJoint(master: GainNode): void {
    this.joint?.disconnect()
    this.joint = null
    for (const voice of this.voices) {
      voice.gain?.disconnect()
      voice.gain?.connect(master)
    }
  }

  private sound(): void {
    this.graph()
    this.unlock()
    if (this.mixReady) {
      void this.mixReady.then(() => {
        if (this.wantsSound) this.start(this.current)
      })
    } else this.start(this.current)
    this.waitingSince = Date.now()
    this.tickTimer ??= setInterval(() => this.tick(), TICK_MS)
  }

  /** Safari lets an element play only once a press has: the second one is played silently within the first press. */
  private unlock(): void {
    if (this.unlocked) return
    this.unlocked = true
    if (this.other.track === null) void this.other.touch()
  }

  private start(voice: Voice): void {
    const { track } = voice
    voice.element.play().catch((error: unknown) => {
      // A load or a pause that came in between is no failure, and a bad source says so through `error`.
      if (error instanceof DOMException && error.name === 'NotAllowedError' && voice.track === track && voice === this.current) {
        this.wantsSound = false
        this.halt()
        this.listener.refused()
      }
    })
  }

  private halt(): void {
    this.current.element.pause()
    this.waitingSince = null
    if (this.tickTimer !== null) clearInterval(this.tickTimer)
    this.tickTimer = null
  }

  private tick(): void {
    if (!this.wantsSound) return
    if (this.waitingSince !== null && Date.now() - this.waitingSince > STALL_MS) {
      this.waitingSince = null
      this.listener.failed(MediaError.MEDIA_ERR_NETWORK, 'The server sends nothing.')
      return
    }
    this.listener.tick()
    this.approach()
  }

  /** Nears the end: load what follows, then fade, or aim at the last sample. */
  private approach(): void {
    const { next, current, other } = this
    if (!next || !this.cue || this.nextFailed) return
    const remaining = current.remainingMs
    if (other.track === null || (other.track.id !== next.track.id && this.tailTimer === null)) {
      if (this.tailTimer === null && (remaining < PRELOAD_MS || current.durationMs < PRELOAD_MS) && current.element.readyState > 0) {
        other.load(next.track, next.plan, 0)
        this.level(other, next.factor)
      }
      return
    }
    if (!this.wantsSound || current.element.paused || !other.ready) return
    if (next.overlapS > 0 && this.mixes) {
      if (remaining <= next.overlapS * 1000 && remaining > 150) this.crossfade(next, remaining / 1000)
      return
    }
    if ((current.endKnown || this.joint) && remaining < AIM_MS && this.aimTimer === null) {
      this.aimTimer = setTimeout(() => this.aimed(), Math.max(0, remaining - this.earlyMs - 30))
    }
  }

  /** The last 30 ms are waited for in short steps: one long timer is late by more than that. */
  private aimed(): void {
    this.aimTimer = null
    const { next, current, other } = this
    if (!next || !this.wantsSound || current.element.paused || !other.ready) return
    const left = current.remainingMs - this.earlyMs
    if (left > 60) return
    if (left > 1.5) {
      this.aimTimer = setTimeout(() => this.aimed(), left > 6 ? left - 5 : 0)
      return
    }
    this.join(next)
  }

  private join(next: Cue): void {
    this.joint?.port.postMessage({ hold: this.voices.indexOf(this.other) })
    this.takeOver(next, Math.max(0, this.current.remainingMs) + (this.joint ? this.delayMs + GUESS_MS + 300 : 60))
  }

  private get earlyMs(): number {
    if (!this.joint) return this.leadMs
    return this.leadMs + HELD_MS + (this.current.endKnown ? 0 : GUESS_MS) - this.delayMs
  }

  private crossfade(next: Cue, seconds: number): void {
    const { context } = this
    const leaving = this.current.gain
    const coming = this.other.gain
    if (context && leaving && coming) {
      const at = context.currentTime
      leaving.gain.cancelScheduledValues(at)
      leaving.gain.setValueCurveAtTime(curve(fadeOut, this.cue?.factor ?? 1), at, seconds)
      coming.gain.cancelScheduledValues(at)
      coming.gain.setValueCurveAtTime(curve(fadeIn, next.factor), at, seconds)
    }
    this.takeOver(next, seconds * 1000 + 100)
  }

  /** The other voice becomes the current one; the old one runs out on its own. */
  private takeOver(next: Cue, tailMs: number): void {
    this.disarm()
    this.settleTail()
    const old = this.current
    const before = performance.now()
    const from = this.other.element.currentTime
    this.current = this.other
    this.other = old
    this.cue = next
    this.next = null
    this.nextFailed = false
    this.start(this.current)
    this.measureLead(this.current, before, from)
    this.tailTimer = setTimeout(() => this.settleTail(), tailMs)
    this.waitingSince = Date.now()
    this.listener.advanced(next)
  }

  private measureLead(voice: Voice, before: number, from: number): void {
    const { track } = voice
    setTimeout(() => {
      if (voice.track !== track || voice.element.paused) return
      const late = performance.now() - before - (voice.element.currentTime - from) * 1000
      if (late < 0 || late > 250) return
      this.leadMs = this.leadMs * 0.6 + late * 0.4
      writeLead(this.leadMs)
    }, 400)
  }

  /** Ends what is left of a fade or a join: the old voice falls silent, the new one has its full level. */
  private settleTail(): void {
    if (this.tailTimer === null) return
    clearTimeout(this.tailTimer)
    this.tailTimer = null
    this.joint?.port.postMessage({ release: true })
    this.other.unload()
    if (this.cue) this.level(this.current, this.cue.factor)
    this.approach()
  }

  private disarm(): void {
    if (this.aimTimer !== null) clearTimeout(this.aimTimer)
    this.aimTimer = null
  }

  private on(voice: Voice, event: VoiceEvent): void {
    if (voice !== this.current) {
      // What is prepared and cannot be loaded is tried again, and judged, once it is its turn.
      if (event === 'error' && this.tailTimer === null) {
        this.nextFailed = true
        voice.unload()
      }
      return
    }
    if (event === 'playing' && this.wantsSound) {
      this.waitingSince = null
      this.listener.sounding()
    } else if (event === 'waiting' && this.wantsSound) {
      this.waitingSince ??= Date.now()
      this.listener.waiting()
    } else if (event === 'ended' && this.wantsSound) {
      if (this.next && this.other.ready) this.join(this.next)
      else this.ranOut()
    } else if (event === 'error') {
      const error = voice.element.error
      this.halt()
      this.listener.failed(error?.code ?? 0, error?.message ?? '')
    }
  }

  private ranOut(): void {
    this.halt()
    this.listener.ranOut()
  }
}

function samePlan(a: Cue, b: Cue): boolean {
  const address = (plan: Plan) => (plan.kind === 'direct' ? plan.url : plan.url(0))
  return address(a.plan) === address(b.plan)
}

/** iOS and iPadOS (which calls itself a Mac, with touch) silence a page's graph in the background. */
export function canMix(): boolean {
  if (typeof AudioContext === 'undefined') return false
  const { userAgent, maxTouchPoints } = navigator
  return !/iPhone|iPad|iPod/.test(userAgent) && !(/Macintosh/.test(userAgent) && maxTouchPoints > 1)
}

function readLead(): number {
  try {
    const kept = Number(localStorage.getItem(LEAD_KEY))
    return kept > 0 && kept < 250 ? kept : 12
  } catch {
    return 12
  }
}

function writeLead(ms: number): void {
  try {
    localStorage.setItem(LEAD_KEY, ms.toFixed(1))
  } catch {
    // It is measured again at the next start.
  }
}
