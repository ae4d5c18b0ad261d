"""What the worker does with one file: decode, describe, embed."""

import importlib
from pathlib import Path
from typing import Any

import numpy as np

from segue.analyse._decode import Decoded, DecodeFailed, decode, payload_hash
from segue.analyse._record import Ask, Description, Embedded, Heard, Value
from segue.analyse._speech import MODEL, Speech, model_path


class Ear:
    """Models are loaded once, when first needed."""

    def __init__(self) -> None:
        self._encoders: dict[str, Any] = {}
        self._speech: Speech | None = None
        self._speech_sought = False

    def hear(self, ask: Ask) -> Heard:
        """Raises DecodeFailed; MemoryError."""
        if ask.hash_only:
            return Heard(payload_hash=payload_hash(ask.path, ask.duration_ms))
        decoded = decode(ask.path, ask.duration_ms, samples_only=ask.only_encoders)
        embedded: dict[str, Embedded] = {}
        findings = list(decoded.findings)
        description = None
        if not ask.only_encoders:
            description, vector = self._described(decoded, ask.descriptor)
            if vector is not None:
                embedded["descriptor"] = vector
        for name in ask.encoders:
            try:
                embedded[name] = self._encoder(name).encode(decoded.windows)
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

    def _described(self, decoded: Decoded, descriptor: bool) -> tuple[Description, Embedded | None]:
        description, vector = Description(values={}), None
        module = _module("describe")
        if module is not None:
            spectra = _module("_spectra").spectra(decoded.windows)
            description = module.describe(decoded.windows, decoded.duration_s, transformed=spectra)
            if descriptor:
                numbers = np.asarray(_module("_descriptor").descriptor(spectra), "<f4")
                vector = Embedded(vector=numbers.tobytes()) if np.isfinite(numbers).all() else None
        return Description(
            values=description.values | self._measured(decoded),
            beats_s=description.beats_s,
            downbeats_s=description.downbeats_s,
            sections=description.sections,
        ), vector

    def _measured(self, decoded: Decoded) -> dict[str, Value]:
        levels = {"loudness_lufs": decoded.loudness_lufs, "loudness_range_lu": decoded.range_lu, "true_peak_db": decoded.true_peak_db}
        values = {name: Value(value=round(value, 3), confidence=1.0) for name, value in levels.items() if value is not None}
        if not self._speech_sought:
            self._speech_sought = True
            if (path := model_path(MODEL)) is not None:
                try:
                    self._speech = Speech(path)
                except Exception:  # a damaged file: as if there were none
                    self._speech = None
        if self._speech is not None and (speech := self._speech.speechiness(decoded.windows)) is not None:
            values["speechiness"] = speech
        return values

    def _encoder(self, name: str) -> Any:
        if name not in self._encoders:
            self._encoders[name] = importlib.import_module("segue.analyse._encoders").load(Path(name))
        return self._encoders[name]


def _module(name: str) -> Any:
    try:
        return importlib.import_module(f"segue.analyse.{name}")
    except ModuleNotFoundError as error:
        if error.name != f"segue.analyse.{name}":
            raise
        return None
