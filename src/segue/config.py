"""Every setting, read once: from flags, then ``SEGUE_*`` in the environment, then ``segue.toml`` in the data directory, then the default.

The result cannot change after it is read, and knows where each value came from (``segue doctor`` prints it).
"""

import ipaddress
import os
import re
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta

from segue.errors import ConfigError

Count = Annotated[int, Meta(ge=0)]
Positive = Annotated[int, Meta(ge=1)]


class Config(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """All settings with their defaults. :data:`HELP` documents each; ``docs/configuration.md`` repeats it, and a test compares."""

    host: str = "0.0.0.0"  # noqa: S104 - a home server is meant to be reached from the home
    port: Annotated[int, Meta(ge=0, le=65535)] = 4533
    base_url: str = ""
    public_url: str = ""
    trusted_proxies: tuple[str, ...] = ()
    log_level: Literal["debug", "info", "warning", "error"] = "info"
    log_format: Literal["auto", "json", "text"] = "auto"
    metrics_public: bool = False
    watch: bool = True
    rescan_interval_s: Count = 86_400
    poll_interval_s: Positive = 60
    tag_workers: Count = 0
    analysis: bool = True
    analysis_workers: Count = 0
    analysis_share: Annotated[int, Meta(ge=1, le=100)] = 100
    analysis_hours: str = ""
    analysis_priority: Literal["idle", "low", "normal"] = "idle"
    transcodes_at_once: Count = 0
    transcode_cache_mib: Count = 1024
    art_cache_mib: Count = 256
    slate_days: Positive = 30
    live_idle_s: Positive = 60
    listenbrainz_url: str = "https://api.listenbrainz.org"
    lastfm_url: str = "https://ws.audioscrobbler.com/2.0/"
    lastfm_api_key: str = ""
    lastfm_secret: str = ""


HELP: dict[str, str] = {
    "host": "Address to listen on. 127.0.0.1 keeps the server to this machine.",
    "port": "Port to listen on. 0 takes any free one and prints it.",
    "base_url": "Path the server is mounted at behind a proxy, such as /music. Empty: the root.",
    "public_url": "Address listeners use, such as https://music.example.org, shown on the Connect an app page. Empty: that of the request.",
    "trusted_proxies": "Addresses or networks whose X-Forwarded-* headers are believed. None by default.",
    "log_level": "debug, info, warning or error.",
    "log_format": "json, text, or auto: text on a terminal.",
    "metrics_public": "Whether /metrics answers anyone. Otherwise only this machine and admins' tokens.",
    "watch": "Whether folders are watched for changes.",
    "rescan_interval_s": "Seconds between full checks of every library. 0: never.",
    "poll_interval_s": "Seconds between looks at a library on a network mount, where changes cannot be watched.",
    "tag_workers": "Processes that read tags. 0: one per core, at most 4.",
    "analysis": "Whether tracks are listened to in the background: tempo, key, style, and what sounds alike.",
    "analysis_workers": "Processes that listen, in the background. 0: one per core, at most 4.",
    "analysis_share": "Percent of the time each of them works: less keeps a small machine cool.",
    "analysis_hours": "Hours of the server's clock in which they work, such as 01:00-07:00. Empty: always.",
    "analysis_priority": "idle: only when nothing else wants the processor. low: after all else. normal: for a machine of its own.",
    "transcodes_at_once": "FFmpeg processes at once. 0: two per core.",
    "transcode_cache_mib": "Space for finished transcodes, MiB. The least recently played go first.",
    "art_cache_mib": "Space for resized pictures, MiB.",
    "slate_days": "Days for which an answer to “what next?” can still be explained.",
    "live_idle_s": "Seconds without a message after which a device on /api/live is let go. The player speaks every 25.",
    "listenbrainz_url": "Server that speaks ListenBrainz and takes the listens of those who want them sent on.",
    "lastfm_url": "Server that speaks Last.fm 2.0 and takes the listens of those who want them sent on.",
    "lastfm_api_key": "API key of an application registered with Last.fm. Empty: nothing is sent there.",
    "lastfm_secret": "The shared secret of that application. Never shown.",
}


SECRETS = frozenset({"lastfm_secret"})
"""Settings whose values are shown to nobody."""


class Settings(msgspec.Struct, frozen=True):
    """The configuration and where each value came from: ``flag``, ``environment SEGUE_PORT``, ``segue.toml`` or ``default``."""

    config: Config
    origins: dict[str, str]


def default_data_dir(environ: Mapping[str, str] = os.environ) -> Path:
    """``SEGUE_DATA``, else ``segue`` in the user's data folder (XDG base directories)."""
    if named := environ.get("SEGUE_DATA"):
        return Path(named)
    return Path(environ.get("XDG_DATA_HOME") or Path.home() / ".local" / "share") / "segue"


def load(data: Path, flags: Mapping[str, Any] | None = None, environ: Mapping[str, str] = os.environ) -> Settings:
    """Read every setting for the data directory ``data``. ``flags`` with value None were not given.

    Raises :class:`~segue.errors.ConfigError`, naming the setting and where it came from.
    """
    values: dict[str, Any] = {}
    origins = dict.fromkeys(HELP, "default")
    file = data / "segue.toml"
    if file.exists():
        try:
            written = tomllib.loads(file.read_text("utf-8"))
        except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
            raise ConfigError(f"{file} cannot be read: {error}. Mend it, or move it away to start from the defaults.") from error
        for name, value in written.items():
            if name not in HELP:
                raise ConfigError(f"{file}: there is no setting {name!r}. `segue doctor` lists them all.")
            values[name], origins[name] = value, "segue.toml"
    for name in HELP:
        variable = f"SEGUE_{name.upper()}"
        if (text := environ.get(variable)) is not None:
            values[name] = _split(text) if name == "trusted_proxies" else text
            origins[name] = f"environment {variable}"
    for name, value in (flags or {}).items():
        if value is not None:
            values[name], origins[name] = value, "flag"
    for name, value in values.items():  # one at a time, so that the message names the culprit
        try:
            msgspec.convert({name: value}, Config, strict=False)
        except msgspec.ValidationError as error:
            shown = "…" if name in SECRETS else repr(value)
            raise ConfigError(f"{name} = {shown} (from {origins[name]}): {error}. {HELP[name]}") from error
    config = msgspec.convert(values, Config, strict=False)
    return Settings(_check(config, origins), origins)


def _check(config: Config, origins: Mapping[str, str]) -> Config:
    base = config.base_url.strip("/")
    if base and not all(part and part not in {".", ".."} and part.replace("-", "").replace("_", "").isalnum() for part in base.split("/")):
        raise ConfigError(f"base_url = {config.base_url!r} (from {origins['base_url']}): give a path such as /music.")
    for network in config.trusted_proxies:
        try:
            ipaddress.ip_network(network, strict=False)
        except ValueError as error:
            raise ConfigError(f"trusted_proxies (from {origins['trusted_proxies']}): {error}.") from error
    if config.public_url and not config.public_url.startswith(("http://", "https://")):
        raise ConfigError(f"public_url = {config.public_url!r} (from {origins['public_url']}): give it whole, with http:// or https://.")
    if not re.fullmatch(r"|([01]\d|2[0-3]):[0-5]\d-([01]\d|2[0-3]):[0-5]\d", config.analysis_hours):
        raise ConfigError(f"analysis_hours = {config.analysis_hours!r} (from {origins['analysis_hours']}): give hours such as 01:00-07:00.")
    for name in ("listenbrainz_url", "lastfm_url"):
        if not getattr(config, name).startswith(("http://", "https://")):
            raise ConfigError(f"{name} = {getattr(config, name)!r} (from {origins[name]}): give it whole, with http:// or https://.")
    return msgspec.structs.replace(config, base_url=f"/{base}" if base else "", public_url=config.public_url.rstrip("/"))


def _split(text: str) -> list[str]:
    return [part.strip() for part in text.split(",") if part.strip()]
