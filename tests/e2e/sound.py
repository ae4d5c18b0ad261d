"""What the browser really sends to the loudspeaker, as samples."""

import base64

import numpy as np
from numpy.typing import NDArray
from playwright.sync_api import Page

SR = 44_100

# Stands between the page's graph and its output. A ScriptProcessor, since a worklet would need a file of its own on the server.
RECORDER = """
(() => {
  const connect = AudioNode.prototype.connect
  const heard = { rate: 0, blocks: [] }
  window.__heard = heard
  AudioNode.prototype.connect = function (to, ...rest) {
    if (to instanceof AudioDestinationNode && !heard.node) {
      heard.node = this.context.createScriptProcessor(4096, 1, 1)
      heard.rate = this.context.sampleRate
      heard.node.onaudioprocess = (event) => heard.blocks.push(event.inputBuffer.getChannelData(0).slice())
      connect.call(this, heard.node)
      connect.call(heard.node, to)
    }
    return connect.call(this, to, ...rest)
  }
})()
"""

_TAKE = """
() => {
  const { rate, blocks } = window.__heard
  const text = blocks.splice(0).map((block) => {
    let bytes = ''
    for (const byte of new Uint8Array(block.buffer)) bytes += String.fromCharCode(byte)
    return btoa(bytes)
  })
  return [rate, text]
}
"""


def take(page: Page) -> tuple[NDArray[np.float64], int]:
    """Everything heard since the last take: ``y`` (n,) -1..1, and its rate in Hz."""
    rate, blocks = page.evaluate(_TAKE)
    if not blocks:
        return np.zeros(0), int(rate)
    return np.concatenate([np.frombuffer(base64.b64decode(block), "<f4") for block in blocks]).astype(np.float64), int(rate)


def loudness(y: NDArray[np.float64]) -> float:
    """Root mean square, 0..1; 0 for nothing."""
    return float(np.sqrt(np.mean(y**2))) if len(y) else 0.0


def pitch_hz(y: NDArray[np.float64], rate: int) -> float:
    """The strongest frequency of ``y``."""
    spectrum = np.abs(np.fft.rfft(y * np.hanning(len(y))))
    return float(np.argmax(spectrum) * rate / len(y))


def breaks(y: NDArray[np.float64], rate: int, hz: float) -> list[float]:
    """Where a pure tone of ``hz`` does not go on as it must, in seconds from its first sample.

    Three neighbouring samples of a sine obey ``y[n+1] + y[n-1] = 2 cos(w) y[n]``; one sample lost or added breaks that.
    """
    loud = np.flatnonzero(np.abs(y) > 0.1 * np.abs(y).max())
    first, last = int(loud[0]), int(loud[-1])
    y = y[first : last + 1]
    off = np.abs(y[2:] + y[:-2] - 2 * np.cos(2 * np.pi * hz / rate) * y[1:-1])
    found: list[float] = []
    for at in np.flatnonzero(off > 0.02 * np.abs(y).max()):
        if not found or at / rate - found[-1] > 0.05:
            found.append(float(at / rate))
    return found
