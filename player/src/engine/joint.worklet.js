/**
 * Joins two sources to the sample. It runs on the audio thread, where a page's timers cannot disturb it.
 *
 * Both inputs pass through a short queue and are added up. To join, the coming source is started a little early and held: what
 * it gives before its first sample (exact zeros: the time its element took to start) is dropped, the rest is kept. The leaving
 * source has ended where its queue holds nothing but exact zeros; there, at that very sample, the held one is let go. A track
 * that truly begins or ends in digital silence may lose some hundredths of a second of it.
 *
 * The time between the held source's first sample and its release stays as its delay. It is told as `{ delayS }`, so that the
 * next source can be started that much later, and delays do not add up.
 *
 * Messages: `{ hold: input }` before the coming source is started, `{ reset: input }` when a source is loaded anew,
 * `{ release: true }` to call a join off. Plain JavaScript, since a worklet is loaded by its address, as it is.
 */
/* global AudioWorkletProcessor, registerProcessor, sampleRate */

const QUANTUM = 128
/**
 * How far one looks ahead for the end, in samples: 70 ms at 44.1 kHz. Zeros as long as this are an end, and a source that starts
 * later than it should has this long to come.
 */
const AHEAD = 3072
/** Zeros dropped at most before a first sample, in seconds. */
const LATE_S = 0.08
/** A join whose end is not found by then is let go anyway. */
const LONGEST_S = 1.2

/** A queue of stereo samples that knows how many of the last ones were zero. */
class Line {
  constructor() {
    this.capacity = 1 << 16
    this.left = new Float32Array(this.capacity)
    this.right = new Float32Array(this.capacity)
    this.reset()
  }

  /** `AHEAD` zeros. */
  reset() {
    this.start = 0
    this.length = AHEAD
    this.zeros = AHEAD
    this.left.fill(0)
    this.right.fill(0)
  }

  empty() {
    this.start = 0
    this.length = 0
    this.zeros = 0
  }

  push(l, r) {
    if (this.length === this.capacity) return
    const at = (this.start + this.length) & (this.capacity - 1)
    this.left[at] = l
    this.right[at] = r
    this.length += 1
    this.zeros = l === 0 && r === 0 ? this.zeros + 1 : 0
  }
}

export class Joint {
  constructor(rate, tell = () => undefined) {
    this.rate = rate
    this.tell = tell
    this.lines = [new Line(), new Line()]
    /** The input that is held, or -1. */
    this.held = -1
    this.begun = false
    this.dropped = 0
    this.waited = 0
    this.late = Math.round(rate * LATE_S)
    this.longest = Math.round(rate * LONGEST_S)
  }

  hold(input) {
    this.held = input
    this.begun = false
    this.dropped = 0
    this.waited = 0
    this.lines[input].empty()
  }

  reset(input) {
    if (this.held === input) this.held = -1
    this.lines[input].reset()
  }

  release() {
    if (this.held < 0) return
    const line = this.lines[this.held]
    while (line.length < AHEAD) line.push(0, 0)
    this.held = -1
    this.tell(line.length / this.rate)
  }

  /** `inputs`: two of [left, right], each `frames` long, or null for silence; writes to `out`. */
  process(inputs, out, frames) {
    for (let input = 0; input < 2; input += 1) this.take(input, inputs[input], frames)
    if (this.held >= 0 && (this.waited += frames) > this.longest) this.release()
    for (let at = 0; at < frames; at += 1) {
      let l = 0
      let r = 0
      if (this.held >= 0 && this.begun && this.over(this.lines[1 - this.held])) this.letGo()
      for (let input = 0; input < 2; input += 1) {
        const line = this.lines[input]
        if (input === this.held || line.length === 0) continue
        l += line.left[line.start]
        r += line.right[line.start]
        line.start = (line.start + 1) & (line.capacity - 1)
        line.length -= 1
        if (line.zeros > line.length) line.zeros = line.length
      }
      out[0][at] = l
      out[1][at] = r
    }
  }

  /** Nothing but zeros is left of it, and enough of them to be sure. */
  over(line) {
    return line.length > 0 && line.zeros === line.length
  }

  letGo() {
    const line = this.lines[this.held]
    // The next join looks ahead in this queue, so it may not be too short; if the source came late, at the price of a gap.
    if (line.length < QUANTUM) return
    this.held = -1
    this.tell(line.length / this.rate)
  }

  take(input, source, frames) {
    const line = this.lines[input]
    const held = input === this.held
    for (let at = 0; at < frames; at += 1) {
      const l = source ? source[0][at] : 0
      const r = source ? source[1][at] : 0
      if (held && !this.begun) {
        if (l === 0 && r === 0 && this.dropped < this.late) {
          this.dropped += 1
          continue
        }
        this.begun = true
      }
      line.push(l, r)
    }
  }
}

class JointProcessor extends AudioWorkletProcessor {
  constructor() {
    super()
    this.joint = new Joint(sampleRate, (delayS) => this.port.postMessage({ delayS }))
    this.port.onmessage = ({ data }) => {
      if (typeof data.hold === 'number') this.joint.hold(data.hold)
      else if (typeof data.reset === 'number') this.joint.reset(data.reset)
      else this.joint.release()
    }
  }

  process(inputs, outputs) {
    const out = outputs[0]
    const sources = [0, 1].map((at) => (inputs[at] && inputs[at].length > 0 ? [inputs[at][0], inputs[at][1] || inputs[at][0]] : null))
    this.joint.process(sources, out, out[0].length)
    return true
  }
}

registerProcessor('segue-joint', JointProcessor)
