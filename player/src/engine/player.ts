/**
 * The player: what the pages press, joined to the queue, the deck, the outbox and the server.
 *
 * The queue is a value (`queue.ts`), sound is the deck's (`deck.ts`), one playing tells its own events (`playing.ts`). This file
 * only decides what follows what.
 */
import { preferencesQuery, queryClient, sessionQuery } from '../api/queries'
import type { ActKind, EventContext, Outcome, PlayerEvent, Preferences, Subject, Track } from '../api/types'
import { toast } from '../ui/toasts'
import { Autoplay } from './autoplay'
import { table } from './database'
import { cueFor, overlapOf } from './cue'
import { Deck, type Cue } from './deck'
import { diagnose } from './diagnose'
import { sessionId } from './ids'
import { elsewhere, Keeper, placeOf, type Place } from './keep'
import { showMedia, showPosition } from './mediaSession'
import { Outbox } from './outbox'
import { Playing } from './playing'
import * as queues from './queue'
import { Recovery } from './recovery'
import { SleepTimer } from './sleep'
import { stamp, type Told } from './stamp'
import { getState, initial, setState, sounding, usual, type PlayerState, type QueueItem, type Repeat } from './store'
import { Surroundings } from './surroundings'
import { Volume } from './volume'

export type EmitExtra = Partial<Pick<PlayerEvent, 'rating' | 'context' | 'reason' | 'position_ms'>>

const RESTART_MS = 3_000
const NEARLY_OVER_MS = 1_500
const MOST_FAILURES = 3
const RETRY_MS = 900
const PLACE_MS = 5_000

export class Player {
  protected queue: queues.Queue = queues.empty
  protected playing: Playing | null = null
  private preferences = usual
  protected readonly autoplay = new Autoplay({
    queue: () => this.queue,
    discovery: () => this.preferences.discovery,
    chosen: (items, play) => this.appendChosen(items, play),
  })
  private failures = 0
  /** How often the current item was tried, and whether as a transcode. */
  private attempt = { key: '', tries: 0, forced: false }
  private placedAt = 0
  private readonly sleepTimer = new SleepTimer({
    dim: (level, seconds) => this.deckMade?.setDim(level, seconds),
    asleep: () => {
      this.pause()
      this.setSleepTimer(null)
    },
  })
  private readonly recovery = new Recovery({
    reachable: async () => (await diagnose(this.queue.items[this.queue.index]?.track.id ?? '')) !== 'unreachable',
    again: () => this.online(),
  })
  private readonly surroundings = new Surroundings()
  private running = false
  private deckMade: Deck | null = null
  private readonly outbox = new Outbox(table)
  protected readonly keeper = new Keeper()
  private readonly volume = new Volume((gain) => this.deck.setVolume(gain))

  private get deck(): Deck {
    this.deckMade ??= new Deck({
      tick: () => this.onTick(),
      sounding: () => this.onSounding(),
      waiting: () => this.onWaiting(),
      advanced: (cue) => this.onAdvanced(cue),
      ranOut: () => this.onRanOut(),
      failed: (code, message) => void this.onFailed(code, message),
      refused: () => setState({ status: 'paused' }),
    })
    return this.deckMade
  }

  /** After signing in: takes up the queue, and what was not acknowledged. */
  async start(): Promise<void> {
    if (this.running) return
    const user = queryClient.getQueryData(sessionQuery.queryKey)?.user.id ?? 'me'
    this.running = true
    this.volume.settle()
    this.bind()
    await this.outbox.start(user).catch(() => undefined)
    queryClient.fetchQuery(preferencesQuery).then(
      (preferences) => this.setPreferences(preferences),
      () => undefined,
    )
    const restored = await this.keeper.start(user)
    if (!restored || !this.running || this.queue.items.length > 0) return
    this.queue = restored.queue
    const { place } = restored
    this.autoplay.radio = place?.radio ?? null
    this.autoplay.skipped = place?.sessionId === sessionId() ? (place.skipped ?? []) : []
    setState({ shuffle: restored.queue.natural !== null, repeat: place?.repeat ?? 'off' })
    const item = this.queue.items[this.queue.index]
    if (!item) return
    this.playing = new Playing(item, this.tell, place?.playId && place.key === item.key ? { ...place, playId: place.playId } : undefined)
    this.show({ status: 'paused', positionMs: restored.positionMs, durationMs: item.track.duration_ms })
  }

  /** At sign-out: silence, and nothing of this listener stays on screen. What was not acknowledged waits for them. */
  stop(): void {
    if (!this.running) return
    this.close('stopped', 'signed out')
    this.outbox.flushOnLeave()
    this.running = false
    this.deckMade?.stop()
    this.recovery.stop()
    this.setSleepTimer(null)
    this.surroundings.release()
    this.outbox.stop()
    this.keeper.stop()
    this.queue = queues.empty
    this.autoplay.reset()
    const { volume, muted } = getState()
    setState({ ...initial, volume, muted })
  }

  private bind(): void {
    this.surroundings.bind({
      online: () => this.online(),
      leave: () => this.leave(),
      hidden: () => this.keepPlace(),
      play: () => this.play(),
      pause: () => this.pause(),
      next: () => this.next(),
      previous: () => this.previous(),
      seek: (ms) => this.seek(ms),
      stop: () => this.pause(),
      positionMs: () => this.positionMs,
    })
  }

  private online(): void {
    this.outbox.nudge()
    if (getState().status === 'error') this.retry()
  }

  /** The page goes. The playing is not over: the next page may go on with it, so it is told as paused. */
  private leave(): void {
    if (this.playing) this.playing.pause(this.positionMs)
    this.keeper.leave(this.place(), this.queue)
    this.outbox.flushOnLeave()
  }

  /** Plays `tracks` from `startIndex`; they become the queue. */
  playTracks(tracks: readonly Track[], startIndex = 0, context?: EventContext | null): void {
    if (tracks.length === 0) return
    this.autoplay.radio = null
    this.close('stopped', 'replaced')
    this.queue = queues.replace(queues.itemsOf(tracks, context ?? null), startIndex, getState().shuffle)
    this.failures = 0
    this.begin(0, true)
    this.changed()
  }

  playNext(tracks: readonly Track[], context?: EventContext | null): void {
    this.added(queues.insertNext(this.queue, queues.itemsOf(tracks, context ?? null)))
  }

  enqueue(tracks: readonly Track[], context?: EventContext | null): void {
    this.added(queues.appendBeforeOwn(this.queue, queues.itemsOf(tracks, context ?? null)))
  }

  private added(queue: queues.Queue): void {
    const first = this.queue.index < 0
    this.queue = queue
    if (first) this.begin(0, true)
    this.changed()
  }

  /** What Segue would play around `seeds`; goes on by itself. */
  async startRadio(seeds: readonly Track[]): Promise<void> {
    const station = await this.autoplay.tuneIn(seeds)
    if (!station || !this.running) return
    this.close('stopped', 'replaced')
    this.autoplay.radio = station.ids
    this.failures = 0
    this.queue = queues.replace(station.items, 0, false)
    setState({ shuffle: false })
    this.begin(0, true)
    this.changed()
  }

  toggle(): void {
    if (sounding()) this.pause()
    else this.play()
  }

  play(): void {
    const item = this.queue.items[this.queue.index]
    if (!item) return
    if (getState().status === 'error') this.retry()
    else if (this.deck.loadedKey === item.key) {
      setState({ status: 'loading' })
      this.surroundings.quietOtherTabs()
      this.deck.resume()
    } else this.begin(getState().positionMs, true, true)
  }

  pause(): void {
    this.recovery.stop()
    if (!sounding()) return
    this.deck.pause()
    this.playing?.pause(this.positionMs)
    this.show({ status: 'paused', positionMs: this.positionMs })
    this.keepPlace()
  }

  next(): void {
    const to = queues.following(this.queue, getState().repeat, 'press')
    if (to === null) {
      if (this.queue.index < 0) return
      this.skip('next')
      this.finishQueue()
      return
    }
    this.goTo(to, 'next')
  }

  /** Within the first seconds the one before; later, the start of this one. */
  previous(): void {
    if (this.queue.index < 0) return
    const to = queues.preceding(this.queue, getState().repeat)
    if (this.positionMs > RESTART_MS || to === null) {
      this.seek(0)
      return
    }
    this.goTo(to, 'previous')
  }

  jumpTo(index: number): void {
    if (!this.queue.items[index]) return
    if (index === this.queue.index) {
      this.seek(0)
      if (getState().status !== 'playing') this.play()
      return
    }
    this.goTo(index, 'chosen')
  }

  private goTo(index: number, reason: string): void {
    if (reason === 'previous') this.close(this.nearlyOver() ? 'finished' : 'stopped', reason)
    else this.skip(reason)
    const { status } = getState()
    this.failures = 0
    this.queue = { ...this.queue, index }
    this.begin(0, status !== 'paused' || reason === 'chosen')
    this.changed()
  }

  protected skip(reason: string): void {
    const { playing } = this
    if (!playing) return
    const over = this.nearlyOver()
    if (!over && playing.begun) this.autoplay.passOver(playing.track.id)
    this.close(over ? 'finished' : 'skipped', reason)
  }

  private nearlyOver(): boolean {
    const { durationMs } = getState()
    return durationMs > 0 && this.positionMs >= durationMs - NEARLY_OVER_MS
  }

  seek(ms: number): void {
    const { durationMs, current, status } = getState()
    if (!current) return
    const from = this.positionMs
    const to = Math.min(Math.max(0, ms), Math.max(0, durationMs - 250))
    this.playing?.seek(from, to)
    if (this.deckMade?.loadedKey === current.key) this.deckMade.seek(to)
    setState({ positionMs: to })
    showPosition(to, durationMs)
    if (status === 'paused') this.keepPlace()
    this.prepare()
  }

  setVolume(volume: number): void {
    this.volume.set(volume)
  }

  setMuted(muted: boolean): void {
    this.volume.mute(muted)
  }

  setShuffle(on: boolean): void {
    this.queue = on ? queues.shuffle(this.queue) : queues.unshuffle(this.queue)
    setState({ shuffle: on })
    this.changed()
  }

  setRepeat(repeat: Repeat): void {
    setState({ repeat })
    this.changed()
  }

  removeAt(index: number): void {
    const item = this.queue.items[index]
    if (!item) return
    const current = index === this.queue.index
    if (current) this.skip('removed')
    this.autoplay.passOver(item.track.id)
    const last = current && index === this.queue.items.length - 1
    const { status } = getState()
    this.queue = queues.removeAt(this.queue, index)
    if (this.queue.index < 0) this.silence()
    else if (current) this.begin(0, !last && status !== 'paused')
    this.changed()
  }

  move(from: number, to: number): void {
    this.queue = queues.move(this.queue, from, to)
    this.changed()
  }

  /** Empties the queue; what plays now plays on. */
  clear(): void {
    const keep = sounding() || elsewhere.active
    if (!keep) this.close('stopped', 'cleared')
    this.autoplay.radio = null
    this.queue = queues.clear(this.queue, keep)
    if (this.queue.index < 0) this.silence()
    this.changed()
  }

  /** An act outside of playing: a like, a rating, a hide, a search. `subject` is null for a search only. */
  emit(kind: ActKind, subject: Subject | null, extra: EmitExtra = {}): void {
    this.tell({ kind, ...(subject ? { subject } : {}), ...extra })
  }

  setPreferences(preferences: Partial<Preferences>): void {
    const old = this.preferences
    this.preferences = { ...old, ...preferences }
    setState({ autoplay: this.preferences.autoplay })
    const { current } = getState()
    if (current && old.replaygain !== this.preferences.replaygain) this.deck.setFactor(this.cue(current, 0).factor)
    this.prepare()
    this.autoplay.consider()
  }

  /** Listening that Segue is not to learn from, until turned off or the page is left. */
  setPrivate(on: boolean): void {
    setState({ private: on })
  }

  /** Stops after so many minutes, or with the current track. The last seconds fade. */
  setSleepTimer(after: number | 'track' | null): void {
    setState({ sleep: this.sleepTimer.set(after) })
    this.prepare()
  }

  get positionMs(): number {
    const { current, positionMs } = getState()
    return current && this.deckMade?.loadedKey === current.key ? this.deckMade.positionMs : positionMs
  }

  /** How far the current track is loaded. */
  get bufferedMs(): number {
    return this.deckMade?.bufferedMs ?? 0
  }

  /** Starts the current item at `positionMs`. `same` goes on with the playing at hand (after a reload, after an error). */
  protected begin(positionMs: number, sound: boolean, same = false): void {
    this.recovery.stop()
    const item = this.queue.items[this.queue.index]
    if (!item) {
      this.silence()
      return
    }
    if (!same || this.playing?.key !== item.key) this.playing = new Playing(item, this.tell)
    if (this.attempt.key !== item.key) this.attempt = { key: item.key, tries: 0, forced: false }
    if (sound) this.surroundings.quietOtherTabs()
    const cue = this.cue(item, 0)
    setState({ transcoding: cue.plan.kind === 'transcode', error: null })
    this.show({ status: sound ? 'loading' : 'paused', positionMs, durationMs: item.track.duration_ms })
    this.deck.play(cue, positionMs, sound)
    this.prepare()
    this.autoplay.consider()
  }

  private cue(item: QueueItem, overlapS: number): Cue {
    return cueFor(item, this.preferences, this.attempt.key === item.key && this.attempt.forced, overlapS)
  }

  /** Tells the deck what comes next, so that it can go on without a gap. */
  private prepare(): void {
    if (!this.deckMade || this.queue.index < 0) return
    const { repeat, sleep } = getState()
    const to = sleep?.kind === 'track' ? null : queues.following(this.queue, repeat, 'end')
    const item = to === null ? undefined : this.queue.items[to]
    const current = this.queue.items[this.queue.index]
    if (!item || !current) {
      this.deckMade.prepare(null)
      return
    }
    this.deckMade.prepare(this.cue(item, overlapOf(current, item, this.preferences, getState().shuffle)))
  }

  private onTick(): void {
    const { positionMs } = this
    this.playing?.tick(positionMs)
    setState({ positionMs, durationMs: this.shownDuration() })
    if (Date.now() - this.placedAt > PLACE_MS) this.keepPlace()
  }

  private shownDuration(): number {
    return this.deck.durationMs || (getState().current?.track.duration_ms ?? 0)
  }

  private onSounding(): void {
    const { positionMs } = this
    this.playing?.sounding(positionMs)
    this.failures = 0
    this.show({ status: 'playing', positionMs, durationMs: this.shownDuration() })
    showPosition(positionMs, this.shownDuration())
    this.autoplay.consider()
  }

  private onWaiting(): void {
    this.playing?.waiting(this.positionMs)
    setState({ status: 'loading' })
  }

  private onAdvanced(cue: Cue): void {
    const { durationMs } = getState()
    const to = queues.following(this.queue, getState().repeat, 'end')
    const item = to === null ? undefined : this.queue.items[to]
    // In a join the last milliseconds still sound; in a fade the listener heard up to here and a little more.
    this.playing?.end(Math.max(getState().positionMs, durationMs - cue.overlapS * 1000), 'finished')
    if (to === null || item?.key !== cue.key) {
      // The queue changed under it: what should play is played instead.
      this.begin(0, true)
      return
    }
    this.queue = { ...this.queue, index: to }
    this.playing = new Playing(item, this.tell)
    this.attempt = { key: item.key, tries: 0, forced: false }
    setState({ transcoding: cue.plan.kind === 'transcode', error: null })
    this.show({ status: 'playing', positionMs: 0, durationMs: item.track.duration_ms })
    this.changed()
  }

  private onRanOut(): void {
    this.playing?.end(Math.max(this.positionMs, getState().positionMs), 'finished')
    const { repeat, sleep } = getState()
    const to = queues.following(this.queue, repeat, 'end')
    const asleep = sleep?.kind === 'track'
    if (asleep) this.setSleepTimer(null)
    if (to === null) {
      this.finishQueue(!asleep)
      return
    }
    this.queue = { ...this.queue, index: to }
    this.begin(0, !asleep)
    this.changed()
  }

  /** Nothing follows: stays at the last track, ready to play it again; autoplay may still bring more, if it may `goOn`. */
  private finishQueue(goOn = true): void {
    this.deck.stop()
    const item = this.queue.items[this.queue.index]
    this.playing = item ? new Playing(item, this.tell) : null
    this.show({ status: item ? 'paused' : 'idle', positionMs: 0 })
    this.keepPlace()
    if (goOn && this.autoplay.wanted) void this.autoplay.ask(true)
  }

  protected silence(): void {
    this.deckMade?.stop()
    this.playing = null
    this.show({ status: 'idle', positionMs: 0, durationMs: 0 })
  }

  protected close(outcome: Outcome, reason: string): void {
    this.playing?.end(this.positionMs, outcome, reason)
    this.playing = null
  }

  /**
   * A broken connection is tried again; a file the browser will not take is asked for as a transcode; what still fails is
   * passed over. After three in a row it stops: then it is not the files.
   */
  private async onFailed(code: number, message: string): Promise<void> {
    const item = this.queue.items[this.queue.index]
    if (!item) return
    const at = Math.max(getState().positionMs, 0)
    this.playing?.waiting(this.positionMs)
    const { attempt } = this
    if (attempt.key !== item.key) this.attempt = { key: item.key, tries: 0, forced: false }
    const tries = (this.attempt.tries += 1)
    setState({ status: 'loading' })
    if (tries <= 2) {
      if (code === MediaError.MEDIA_ERR_DECODE || code === MediaError.MEDIA_ERR_SRC_NOT_SUPPORTED) this.attempt.forced = true
      if (tries === 2) await new Promise((resolve) => setTimeout(resolve, RETRY_MS))
      if (this.isCurrent(item)) this.begin(at, true, true)
      return
    }
    const why = await diagnose(item.track.id)
    if (!this.isCurrent(item)) return
    if (why === 'unreachable' || why === 'signed out') {
      const text = why === 'unreachable' ? 'The server cannot be reached.' : 'Sign in again to go on.'
      this.playing?.pause(at)
      this.deck.stop()
      this.show({ status: 'error', error: text, positionMs: at })
      if (why === 'unreachable') this.recovery.start()
      return
    }
    const text = why === 'gone' ? `“${item.track.title}” is no longer there.` : `“${item.track.title}” could not be played.`
    this.close('error', message.slice(0, 200) || why)
    toast(text, { tone: 'bad' })
    this.failures += 1
    const to = queues.following(this.queue, getState().repeat === 'one' ? 'off' : getState().repeat, 'press')
    if (this.failures >= Math.min(MOST_FAILURES, this.queue.items.length) || to === null) {
      this.deck.stop()
      this.attempt.tries = 0
      this.show({ status: 'error', error: text, positionMs: 0 })
      return
    }
    setState({ error: text })
    this.queue = { ...this.queue, index: to }
    this.begin(0, true)
    this.changed()
  }

  private isCurrent(item: QueueItem): boolean {
    const { status } = getState()
    return this.queue.items[this.queue.index]?.key === item.key && status === 'loading'
  }

  private retry(): void {
    this.failures = 0
    // A browser tells a refused connection as a file that it cannot play.
    this.attempt = { key: '', tries: 0, forced: false }
    this.begin(getState().positionMs, true, true)
  }

  private appendChosen(items: QueueItem[], play: boolean): void {
    if (!this.running) return
    const before = this.queue.items.length
    this.queue = queues.append(this.queue, items)
    if (play && getState().status === 'paused' && this.queue.index === before - 1) {
      this.queue = { ...this.queue, index: before }
      this.begin(0, true)
    }
    this.changed()
  }

  protected readonly tell = (event: Told): void => this.outbox.add(stamp(event, getState().private))

  protected place(): Place {
    return placeOf({ ...getState(), index: this.queue.index }, this.playing, this.autoplay, this.positionMs)
  }

  protected keepPlace(): void {
    this.placedAt = Date.now()
    this.keeper.savePlace(this.place(), this.queue)
  }

  /** The queue is another: show it, keep it, prepare what follows, and see whether there is enough. */
  protected changed(): void {
    this.show({})
    if (elsewhere.active && !sounding()) {
      this.keeper.proposeQueue(this.queue, this.place())
      return elsewhere.edited()
    }
    this.keeper.saveQueue(this.queue, this.positionMs)
    this.keepPlace()
    this.prepare()
    this.autoplay.consider()
  }

  protected show(change: Partial<PlayerState>): void {
    const { items, index } = this.queue
    setState({ queue: items, index, current: items[index] ?? null, ...change })
    showMedia(getState())
  }
}
