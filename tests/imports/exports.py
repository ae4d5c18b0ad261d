"""Small exports as the services write them."""

import json
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from segue.imports import Service, Unreadable, read_export
from segue.model import PastPlay

ADDRESS = "203.0.113.77"
AGENT = "TestAgent%2F8.5"
USER = "secretuser"


def spotify_entry(**more: Any) -> dict[str, Any]:
    """One entry of the extended history, with what must never come out of it."""
    return {
        "ts": "2021-03-04T05:06:07Z",
        "username": USER,
        "platform": "ios",
        "ms_played": 180_000,
        "conn_country": "DE",
        "ip_addr": ADDRESS,
        "ip_addr_decrypted": ADDRESS,
        "user_agent_decrypted": AGENT,
        "master_metadata_track_name": "Kites",
        "master_metadata_album_artist_name": "The Paper Moons",
        "master_metadata_album_album_name": "Aloft",
        "spotify_track_uri": "spotify:track:0000000000000000000001",
        "episode_name": None,
        "episode_show_name": None,
        "spotify_episode_uri": None,
        "audiobook_title": None,
        "audiobook_uri": None,
        "audiobook_chapter_uri": None,
        "audiobook_chapter_title": None,
        "reason_start": "clickrow",
        "reason_end": "trackdone",
        "shuffle": False,
        "skipped": False,
        "offline": False,
        "offline_timestamp": 1_614_834_187,
        "incognito_mode": False,
        **more,
    }


def old_entry(**more: Any) -> dict[str, Any]:
    """The same play as endsong files have it."""
    entry = spotify_entry(skipped=None, offline_timestamp=1_614_834_187_000, **more)
    return {key: value for key, value in entry.items() if key != "ip_addr" and not key.startswith("audiobook")}


def listen(**more: Any) -> dict[str, Any]:
    return {
        "inserted_at": 1_614_834_400,
        "listened_at": 1_614_834_187,
        "track_metadata": {
            "artist_name": "The Paper Moons",
            "track_name": "Kites",
            "release_name": "Aloft",
            "additional_info": {
                "recording_mbid": "8f3471b5-7e6a-48da-86a9-c1c07a0f47ae",
                "isrc": "DE-UM7-18-00001",
                "duration_ms": 183_000,
                "duration_played": 120,
                "music_service": "bandcamp.com",
                "submission_client": "navidrome",
                "artist_mbids": ["5b11f4ce-a62d-471e-81fc-a69a8278c7da"],
            },
            "mbid_mapping": {
                "recording_mbid": "00000000-0000-4000-8000-000000000002",
                "artists": [{"artist_credit_name": "The Paper Moons"}],
            },
        },
        **more,
    }


def zipped(path: Path, members: Mapping[str, str | bytes]) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    return path


def written(path: Path, data: str | bytes | list[Any] | dict[str, Any]) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data if isinstance(data, bytes) else data.encode() if isinstance(data, str) else json.dumps(data).encode())
    return path


def read(service: Service, path: Path) -> tuple[list[PastPlay], list[Unreadable]]:
    found = list(read_export(service, path))
    return [one for one in found if isinstance(one, PastPlay)], [one for one in found if isinstance(one, Unreadable)]
