"""What the worker does with one file: decode, describe, embed."""

from collections.abc import Iterable
from contextlib import suppress
from math import isfinite
from pathlib import Path

import msgspec
import numpy as np

from segue.analyse._decode import Decoded, DecodeFailed, decode, payload_hash
from segue.analyse._descriptor import NAME, descriptor
from segue.analyse._encoders import OnnxEncoder, load
from segue.analyse._modelfile import read
from segue.analyse._record import SAMPLE_RATE_HZ, Ask, Description, Embedded, Heard, Value
from segue.analyse._spectra import Spectra
from segue.analyse._spectra import spectra as transform
from segue.analyse._speech import MODEL, Speech, model_path
from segue.analyse._text import TextEncoder, load_text
from segue.analyse.describe import describe
from segue.errors import SegueError


class Ear:
    """Models are loaded once, when first needed."""

    def __init__(self) -> None:
        self._encoders: dict[str, OnnxEncoder] = {}
        self._texts: dict[str, TextEncoder] = {}
        self._speech: Speech | None = None
        self._speech_sought = False

    def hear(self, ask: Ask) -> Heard:
        """Raises DecodeFailed; MemoryError."""
        if ask.warm:
            self._voice()
            for name in ask.encoders:
                self._encoder(name)
            return Heard()
        if ask.text is not None:
            return self._read(ask.encoders, ask.text)
        if ask.hash_only:
            return Heard(payload_hash=payload_hash(ask.path, ask.duration_ms))
        decoded = decode(ask.path, ask.duration_ms, samples_only=ask.only_encoders, wanted=_wanted(ask.encoders))
        embedded: dict[str, Embedded] = {}
        findings = list(decoded.findings)
        description = None
        if not ask.only_encoders or ask.descriptor:
            spectra = transform(decoded.windows)
            if ask.descriptor:
                numbers = np.asarray(descriptor(spectra), "<f4")
                embedded[NAME] = Embedded(vector=numbers.tobytes())
            if not ask.only_encoders:
                description = self._described(decoded, spectra)
        for name in ask.encoders:
            try:
                encoder = self._encoder(name)
                fed = (encoder.described.sample_rate_hz, encoder.described.samples)
                embedded[name] = encoder.encode(decoded.further[fed] if fed[0] != SAMPLE_RATE_HZ else decoded.windows)
            except MemoryError:
                raise
            except Exception as error:  # a model is a file from elsewhere: what it raises is not ours to know
                findings.append(("model", f"The model {Path(name).name} could not be run ({type(error).__name__}: {str(error)[:200]})."))
        if ask.only_encoders and not embedded:
            raise DecodeFailed(*findings[-1])
        return Heard(
            payload_hash=decoded.payload_hash,
            duration_ms=round(decoded.duration_s * 1000),
            description=description,
            waveform=decoded.waveform,
            fingerprint=decoded.fingerprint,
            embedded=embedded,
            findings=tuple(findings),
        )

    def _described(self, decoded: Decoded, spectra: Spectra) -> Description:
        description = describe(decoded.windows, decoded.duration_s, transformed=spectra)
        values = description.values | self._measured(decoded)
        finite = {name: one for name, one in values.items() if isfinite(one.value) and isfinite(one.confidence)}
        return msgspec.structs.replace(description, values=finite)

    def _measured(self, decoded: Decoded) -> dict[str, Value]:
        levels = {"loudness_lufs": decoded.loudness_lufs, "loudness_range_lu": decoded.range_lu, "true_peak_dbtp": decoded.true_peak_db}
        values = {name: Value(value=round(value, 3), confidence=1.0) for name, value in levels.items() if value is not None}
        if (voice := self._voice()) is not None and (speech := voice.speechiness(decoded.windows)) is not None:
            values["speechiness"] = speech
        return values

    def _voice(self) -> Speech | None:
        """What tells speech; None where there is no model."""
        if not self._speech_sought:
            self._speech_sought = True
            if (path := model_path(MODEL)) is not None:
                try:
                    self._speech = Speech(path)
                except Exception:  # a damaged file: as if there were none
                    self._speech = None
        return self._speech

    def _encoder(self, name: str) -> OnnxEncoder:
        found = self._encoders.get(name)
        if found is None or found.digest != read(Path(name)).digest:
            found = self._encoders[name] = load(Path(name))
        return found

    def _read(self, encoders: Iterable[str], text: str) -> Heard:
        embedded = {}
        for name in encoders:
            found = self._texts.get(name)
            try:
                if found is None or found.digest != read(Path(name)).digest:
                    found = self._texts[name] = load_text(Path(name))
                embedded[name] = found.encode(text)
            except SegueError as error:
                return Heard(error=("model", str(error)))
        return Heard(embedded=embedded)


def _wanted(encoders: Iterable[str]) -> dict[int, dict[int, int]]:
    """What these models take at other rates than the one everything is described at: rate -> length in samples -> how many."""
    wanted: dict[int, dict[int, int]] = {}
    for name in encoders:
        with suppress(SegueError):  # told when it is loaded
            described = read(Path(name)).described
            if described.sample_rate_hz != SAMPLE_RATE_HZ:
                lengths = wanted.setdefault(described.sample_rate_hz, {})
                lengths[described.samples] = max(described.excerpts, lengths.get(described.samples, 0))
    return wanted
