"""Spotify's exports: both histories, how plays ended, and what must never come out of them."""

import json
from pathlib import Path
from typing import Any

import pytest

from segue.errors import BadRequest
from segue.imports import detect, read_export
from segue.model import PastPlay

from .exports import ADDRESS, AGENT, USER, old_entry, read, spotify_entry, written, zipped

EXTENDED = "Spotify Extended Streaming History/"
ENDED = 1_614_834_367_000  # 2021-03-04T05:06:07Z


def only(path: Path) -> PastPlay:
    plays, unreadable = read("spotify", path)
    assert not unreadable
    (play,) = plays
    return play


def test_the_extended_history(tmp_path: Path) -> None:
    play = only(written(tmp_path / "Streaming_History_Audio_2021_0.json", [spotify_entry(incognito_mode=True, shuffle=True)]))
    assert play == PastPlay(
        service="spotify",
        entry_id=play.entry_id,
        started_at=ENDED - 180_000,
        artist="The Paper Moons",
        title="Kites",
        album="Aloft",
        played_ms=180_000,
        outcome="finished",
        private=True,
        context={
            "reason_start": "clickrow",
            "reason_end": "trackdone",
            "shuffle": True,
            "offline": False,
            "platform": "ios",
            "country": "DE",
        },
    )
    assert play.entry_id.startswith("spotify:")
    assert len(play.entry_id) <= 64


def test_a_zip_a_folder_and_a_file_tell_the_same(tmp_path: Path) -> None:
    entries = [spotify_entry(ms_played=n) for n in range(3)]
    file = written(tmp_path / "folder" / "MyData" / "Streaming_History_Audio_2021_0.json", entries)
    written(tmp_path / "folder" / "MyData" / "Playlist1.json", {"playlists": []})
    written(tmp_path / "folder" / "MyData" / "._Streaming_History_Audio_2021_0.json", b"\0\5\26\7")
    archive = zipped(
        tmp_path / "my_spotify_data.zip",
        {
            EXTENDED + "ReadMeFirst_ExtendedStreamingHistory.pdf": b"%PDF",
            EXTENDED + "Streaming_History_Audio_2021_0.json": json.dumps(entries, indent=2),
            "__MACOSX/" + EXTENDED + "Streaming_History_Audio_2021_0.json": b"\0\5\26\7",
        },
    )
    plays = read("spotify", file)
    assert len(plays[0]) == 3
    assert read("spotify", tmp_path / "folder") == read("spotify", archive) == plays
    assert detect(file) == detect(tmp_path / "folder") == detect(archive) == "spotify"


def test_an_old_file_gives_the_same_ids(tmp_path: Path) -> None:
    new = only(written(tmp_path / "Streaming_History_Audio_2021_0.json", [spotify_entry()]))
    old = only(written(tmp_path / "endsong_0.json", [old_entry()]))
    older = only(written(tmp_path / "endsong_1.json", [old_entry(ts="2021-03-04 05:06:07 UTC")]))
    zoned = only(written(tmp_path / "endsong_2.json", [old_entry(ts="2021-03-04T06:06:07+01:00")]))
    assert new == old == older == zoned


def test_identical_entries_are_one_and_others_are_not(tmp_path: Path) -> None:
    others = [
        spotify_entry(ts="2021-03-04T05:06:08Z"),
        spotify_entry(ms_played=1),
        spotify_entry(spotify_track_uri="spotify:track:2"),
        spotify_entry(spotify_track_uri=None),
        spotify_entry(spotify_track_uri=None, master_metadata_track_name="Other"),
    ]
    plays, _ = read("spotify", written(tmp_path / "endsong_0.json", [spotify_entry(), spotify_entry(), *others]))
    assert plays[0].entry_id == plays[1].entry_id
    assert len({play.entry_id for play in plays}) == 6


@pytest.mark.parametrize(
    ("reason", "skipped", "outcome"),
    [
        ("trackdone", False, "finished"),
        ("trackdone", True, "finished"),
        ("fwdbtn", False, "skipped"),
        ("backbtn", None, "skipped"),
        ("clickrow", 0, "skipped"),
        ("endplay", False, "stopped"),
        ("endplay", True, "skipped"),
        ("endplay", 1, "skipped"),
        ("endplay", 0, "stopped"),
        ("endplay", 12_345.5, "skipped"),
        ("endplay", "true", "skipped"),
        ("logout", None, "stopped"),
        ("unexpected-exit", None, "stopped"),
        ("unexpected-exit-while-paused", None, "stopped"),
        ("remote", None, "unknown"),
        ("remote", True, "skipped"),
        ("trackerror", True, "error"),
        ("something-new", None, "unknown"),
        ("", None, "unknown"),
        (None, None, "unknown"),
        (7, None, "unknown"),
    ],
)
def test_how_a_play_ended(tmp_path: Path, reason: Any, skipped: Any, outcome: str) -> None:
    path = written(tmp_path / "endsong_0.json", [spotify_entry(reason_end=reason, skipped=skipped)])
    assert only(path).outcome == outcome


def test_episodes_chapters_and_videos(tmp_path: Path) -> None:
    none = {"master_metadata_track_name": None, "master_metadata_album_artist_name": None, "master_metadata_album_album_name": None}
    episode = spotify_entry(
        **none, spotify_track_uri=None, episode_name="One", episode_show_name="Show", spotify_episode_uri="spotify:episode:1"
    )
    chapter = spotify_entry(
        **none, spotify_track_uri=None, audiobook_title="Book", audiobook_chapter_title="Ch. 1", audiobook_chapter_uri="u"
    )
    written(tmp_path / "Streaming_History_Audio_2021_0.json", [episode, chapter, spotify_entry(ms_played=0)])
    written(tmp_path / "Streaming_History_Video_2021.json", [episode, spotify_entry()])
    plays, unreadable = read("spotify", tmp_path)
    assert not unreadable
    assert [(p.type, p.artist, p.title, p.album) for p in plays] == [
        ("episode", "Show", "One", None),
        ("episode", "Book", "Ch. 1", None),
        ("music", "The Paper Moons", "Kites", "Aloft"),
        ("episode", "Show", "One", None),
        ("video", "The Paper Moons", "Kites", "Aloft"),
    ]
    assert plays[0].entry_id == plays[3].entry_id


def test_the_short_history(tmp_path: Path) -> None:
    music = {"endTime": "2023-11-30 23:58", "artistName": "The Paper Moons", "trackName": "Kites", "msPlayed": 180_000}
    podcast = {"endTime": "2023-11-30 23:59", "podcastName": "Show", "episodeName": "One", "msPlayed": 60_000}
    archive = zipped(
        tmp_path / "my_spotify_data.zip",
        {
            "Spotify Account Data/Userdata.json": "{}",
            "Spotify Account Data/StreamingHistory_music_0.json": json.dumps([music, music | {"trackName": "Unknown Track"}]),
            "Spotify Account Data/StreamingHistory_podcast_0.json": json.dumps([podcast]),
        },
    )
    (kites, one), (nameless,) = read("spotify", archive)
    assert (kites.started_at, kites.played_ms, kites.outcome, kites.type) == (1_701_388_680_000 - 180_000, 180_000, None, "music")
    assert (kites.artist, kites.title, kites.album, kites.context) == ("The Paper Moons", "Kites", None, None)
    assert (one.artist, one.title, one.type) == ("Show", "One", "episode")
    assert nameless.where == "StreamingHistory_music_0.json, entry 2"
    assert kites == only(written(tmp_path / "StreamingHistory0.json", [music]))


def test_the_short_history_beside_the_extended_is_left_out(tmp_path: Path) -> None:
    written(
        tmp_path / "StreamingHistory_music_0.json", [{"endTime": "2021-03-04 05:06", "artistName": "a", "trackName": "t", "msPlayed": 1}]
    )
    written(tmp_path / "Streaming_History_Audio_2021_0.json", [spotify_entry()])
    plays, (left_out,) = read("spotify", tmp_path)
    assert len(plays) == 1
    assert left_out.where == "StreamingHistory_music_0.json"
    assert "extended history" in left_out.why


def test_account_data_without_plays_says_what_to_ask_for(tmp_path: Path) -> None:
    archive = zipped(
        tmp_path / "my_spotify_data.zip", {"Spotify Account Data/Userdata.json": "{}", "Spotify Account Data/Follow.json": "{}"}
    )
    with pytest.raises(BadRequest, match="not the extended streaming history"):
        read_export("spotify", archive)
    with pytest.raises(BadRequest, match="not the extended streaming history"):
        detect(archive)


def test_renamed_files_are_known_by_content(tmp_path: Path) -> None:
    written(tmp_path / "a" / "songs.json", [spotify_entry()])
    written(tmp_path / "a" / "other.json", {"a": 1})
    assert only(tmp_path / "a") == only(tmp_path / "a" / "songs.json")


def test_addresses_agents_and_user_names_never_come_out(tmp_path: Path) -> None:
    hostile: list[Any] = [
        spotify_entry(),
        old_entry(),
        spotify_entry(ts=ADDRESS),
        spotify_entry(ms_played=AGENT),
        spotify_entry(master_metadata_track_name=None),
        spotify_entry(ip_addr=[ADDRESS], user_agent_decrypted={AGENT: AGENT}),
        spotify_entry(ip_addr_decrypted="\ud800" + ADDRESS),
        [ADDRESS],
        ADDRESS,
    ]
    data = json.dumps(hostile) + json.dumps(spotify_entry())[:-80]
    plays, unreadable = read("spotify", written(tmp_path / "Streaming_History_Audio_2021_0.json", data))
    assert len(plays) == 4
    assert len(unreadable) >= 4
    for secret in (ADDRESS, AGENT, USER):
        assert secret not in repr(plays) + repr(unreadable)
