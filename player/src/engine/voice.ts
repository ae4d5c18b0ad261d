/**
 * One source of sound: an audio element, with a gain of its own where the page mixes. The deck has two, so that the next track
 * is loaded and ready while the first still sounds.
 *
 * Positions are milliseconds of the track: a transcode that was started at `start_ms` counts from there, and what an encoder put
 * before the first sample is not counted where the browser did not cut it.
 */
import type { Track } from '../api/types'
import { trimOf, type Plan, type Trim } from './source'

export type VoiceEvent = 'ready' | 'playing' | 'waiting' | 'ended' | 'error' | 'progress'

export class Voice {
  readonly element: HTMLAudioElement
  gain: GainNode | null = null
  track: Track | null = null
  plan: Plan | null = null
  /** Whether `canplay` came since the last load. */
  ready = false
  private originMs = 0
  private trim: Trim | null = null
  private wantedMs: number | null = null

  constructor(private readonly listener: (voice: Voice, event: VoiceEvent) => void) {
    this.element = new Audio()
    this.element.preload = 'auto'
    const on = (name: string, event: VoiceEvent) => this.element.addEventListener(name, () => this.track && this.listener(this, event))
    this.element.addEventListener('loadedmetadata', () => this.onMetadata())
    this.element.addEventListener('canplay', () => {
      this.ready = true
    })
    this.element.addEventListener('durationchange', () => this.onDuration())
    on('canplay', 'ready')
    on('playing', 'playing')
    on('waiting', 'waiting')
    on('ended', 'ended')
    on('error', 'error')
    on('progress', 'progress')
  }

  /** Connects to the page's mix; can be done once for an element. */
  connect(context: AudioContext, out: AudioNode): void {
    if (this.gain) return
    this.gain = context.createGain()
    context.createMediaElementSource(this.element).connect(this.gain)
    this.gain.connect(out)
  }

  load(track: Track, plan: Plan, startMs: number): void {
    this.track = track
    this.plan = plan
    this.ready = false
    this.trim = null
    this.originMs = plan.kind === 'transcode' ? startMs : 0
    this.wantedMs = plan.kind === 'direct' && startMs > 0 ? startMs : null
    this.element.src = plan.kind === 'direct' ? plan.url : plan.url(startMs)
    this.element.load()
  }

  /** Silent and empty; what was loading is dropped. */
  unload(): void {
    if (!this.track) return
    this.track = null
    this.plan = null
    this.ready = false
    this.element.pause()
    this.element.removeAttribute('src')
    this.element.load()
  }

  /** Plays a moment of nothing, so that the browser lets this element play later without a press. */
  async touch(): Promise<void> {
    const url = URL.createObjectURL(new Blob([silence()], { type: 'audio/wav' }))
    this.element.src = url
    try {
      await this.element.play()
    } catch {
      // Then it will ask for a press when its turn comes.
    }
    if (this.track === null) {
      this.element.pause()
      this.element.removeAttribute('src')
      this.element.load()
    }
    URL.revokeObjectURL(url)
  }

  get positionMs(): number {
    if (this.wantedMs !== null) return this.wantedMs
    return Math.max(0, this.originMs + (this.element.currentTime - (this.trim?.startS ?? 0)) * 1000)
  }

  /** The element's own duration where it knows one, else what the tags say. */
  get durationMs(): number {
    const known = this.track?.duration_ms ?? 0
    if (this.plan?.kind === 'direct' && this.trim && Number.isFinite(this.trim.endS)) return (this.trim.endS - this.trim.startS) * 1000
    return known
  }

  /** Milliseconds until the last sample. For a stream of unknown length this is what the tags promise. */
  get remainingMs(): number {
    const { duration } = this.element
    if (this.trim && Number.isFinite(duration)) return (this.trim.endS - this.element.currentTime) * 1000
    return this.durationMs - this.positionMs
  }

  /** Whether the end is known to the sample, so that the next may start right there. */
  get endKnown(): boolean {
    return Number.isFinite(this.element.duration) && this.element.duration > 0
  }

  /** 0..1: how far it is loaded from the start of what is being played. */
  get bufferedMs(): number {
    const { buffered, currentTime } = this.element
    for (let i = 0; i < buffered.length; i += 1) {
      if (buffered.start(i) <= currentTime + 0.5 && buffered.end(i) >= currentTime) return this.originMs + buffered.end(i) * 1000
    }
    return this.positionMs
  }

  /** Whether everything from here to the end is loaded. */
  get loaded(): boolean {
    return this.bufferedMs >= this.durationMs - 750
  }

  /** Goes to `ms`. A stream that cannot be jumped in is asked for again from there. */
  seek(ms: number): void {
    if (!this.track || !this.plan) return
    if (this.plan.kind === 'transcode' && !this.reaches(ms)) {
      const rate = this.element.playbackRate
      this.load(this.track, this.plan, ms)
      this.element.playbackRate = rate
      return
    }
    if (this.element.readyState === 0) {
      this.wantedMs = ms
      return
    }
    this.element.currentTime = (ms - this.originMs) / 1000 + (this.trim?.startS ?? 0)
  }

  private reaches(ms: number): boolean {
    const { seekable, duration } = this.element
    const wanted = (ms - this.originMs) / 1000
    if (wanted < 0 || !Number.isFinite(duration)) return false
    for (let i = 0; i < seekable.length; i += 1) {
      if (seekable.start(i) <= wanted && wanted <= seekable.end(i)) return true
    }
    return false
  }

  /** A stream's length is known once its end arrived. */
  private onDuration(): void {
    if (!this.track) return
    this.trim = this.plan?.kind === 'direct' ? trimOf(this.track, this.element.duration) : { startS: 0, endS: this.element.duration }
  }

  private onMetadata(): void {
    if (!this.track) return
    this.onDuration()
    if (!this.trim) return
    const start = this.wantedMs === null ? this.trim.startS : this.wantedMs / 1000 + this.trim.startS
    this.wantedMs = null
    if (start > 0) this.element.currentTime = Math.min(start, this.trim.endS || start)
  }
}

/** Fifty milliseconds of nothing as a WAV file, 8 kHz, 8 bit. */
function silence(): ArrayBuffer {
  const samples = 400
  const bytes = new ArrayBuffer(44 + samples)
  const view = new DataView(bytes)
  const text = (at: number, value: string) => [...value].forEach((letter, i) => view.setUint8(at + i, letter.charCodeAt(0)))
  text(0, 'RIFF')
  view.setUint32(4, 36 + samples, true)
  text(8, 'WAVEfmt ')
  view.setUint32(16, 16, true)
  view.setUint16(20, 1, true)
  view.setUint16(22, 1, true)
  view.setUint32(24, 8000, true)
  view.setUint32(28, 8000, true)
  view.setUint16(32, 1, true)
  view.setUint16(34, 8, true)
  text(36, 'data')
  view.setUint32(40, samples, true)
  new Uint8Array(bytes, 44).fill(128)
  return bytes
}
