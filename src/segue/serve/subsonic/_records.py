"""Segue's records as OpenSubsonic's: a track is a *song*, a release an *album*. The only file where those words come in."""

from collections.abc import Iterable
from typing import Any

from segue.model import Artist, Credit, Folder, Genre, Lyrics, Playlist, Release, Track
from segue.serve.subsonic._wire import instant, known
from segue.types import FolderId

IGNORED_ARTICLES = "The An A Die Das Ein Eine Les Le La El Los Las Il Lo"


def song(track: Track) -> dict[str, Any]:
    """``Child`` of a track."""
    gain = track.replaygain
    composers = [credit.name for credit in track.contributors if credit.role == "composer"]
    note = track.annotation
    return known(
        id=track.id,
        parent=track.folder_id,
        isDir=False,
        title=track.title,
        album=track.release,
        artist=track.artist,
        track=track.number,
        year=track.year,
        genre=track.genres[0] if track.genres else None,
        coverArt=track.art,
        size=track.size_bytes,
        contentType=track.content_type,
        suffix=track.suffix,
        duration=round(track.duration_ms / 1000),
        bitRate=track.bitrate_kbps,
        bitDepth=track.bit_depth,
        samplingRate=track.sample_rate_hz,
        channelCount=track.channels,
        path=track.path,
        isVideo=False,
        userRating=note.rating or None,
        playCount=note.play_count,
        discNumber=track.disc,
        created=instant(track.added_at),
        starred=instant(note.liked_at),
        albumId=track.release_id,
        artistId=track.artists[0].artist_id if track.artists else None,
        type="music",
        mediaType="song",
        played=instant(note.last_played_at),
        bpm=round(track.bpm) if track.bpm else 0,
        comment=track.comment or "",
        sortName=track.sort_title,
        musicBrainzId=track.mbid or "",
        isrc=list(track.isrc),
        genres=[{"name": name} for name in track.genres],
        artists=credited(track.artists),
        displayArtist=track.artist,
        albumArtists=credited(track.release_artists),
        displayAlbumArtist=track.release_artist,
        contributors=[
            known(role=credit.role, subRole=credit.detail, artist={"id": credit.artist_id, "name": credit.name})
            for credit in track.contributors
        ],
        displayComposer=", ".join(composers),
        moods=list(track.moods),
        explicitStatus={True: "explicit", False: "clean", None: ""}[track.explicit],
        replayGain=known(trackGain=gain.track_gain_db, albumGain=gain.album_gain_db, trackPeak=gain.track_peak, albumPeak=gain.album_peak),
    )


def credited(credits: Iterable[Credit]) -> list[dict[str, Any]]:
    return [{"id": credit.artist_id, "name": credit.name} for credit in credits]


def _item_date(date: str | None) -> dict[str, int]:
    parts = zip(("year", "month", "day"), (date or "").split("-"), strict=False)
    return {name: int(text) for name, text in parts if text.isdigit()}


def album(release: Release) -> dict[str, Any]:
    """``AlbumID3``."""
    note = release.annotation
    return known(
        id=release.id,
        name=release.title,
        artist=release.artist,
        artistId=release.artists[0].artist_id if release.artists else None,
        coverArt=release.art,
        songCount=release.track_count,
        duration=round(release.duration_ms / 1000),
        playCount=note.play_count,
        created=instant(release.added_at),
        starred=instant(note.liked_at),
        year=release.year,
        genre=release.genres[0] if release.genres else None,
        played=instant(note.last_played_at),
        userRating=note.rating,
        recordLabels=[{"name": label} for label in release.labels],
        musicBrainzId=release.mbid or "",
        genres=[{"name": name} for name in release.genres],
        artists=credited(release.artists),
        displayArtist=release.artist,
        releaseTypes=list(release.release_types),
        moods=[],
        sortName=release.sort_title,
        originalReleaseDate=_item_date(release.original_date),
        releaseDate=_item_date(release.date),
        isCompilation=release.compilation,
        explicitStatus="",
        discTitles=[{"disc": disc, "title": title} for disc, title in release.disc_titles],
    )


def album_as_folder(release: Release) -> dict[str, Any]:
    """``Child`` of a release: what the calls from before tags call a directory."""
    note = release.annotation
    return known(
        id=release.id,
        parent=release.artists[0].artist_id if release.artists else release.folder_id,
        isDir=True,
        title=release.title,
        album=release.title,
        artist=release.artist,
        artistId=release.artists[0].artist_id if release.artists else None,
        albumId=release.id,
        year=release.year,
        genre=release.genres[0] if release.genres else None,
        coverArt=release.art,
        duration=round(release.duration_ms / 1000),
        userRating=note.rating or None,
        playCount=note.play_count,
        created=instant(release.added_at),
        starred=instant(note.liked_at),
        mediaType="album",
    )


def artist(artist: Artist) -> dict[str, Any]:
    """``ArtistID3``."""
    return known(
        id=artist.id,
        name=artist.name,
        coverArt=artist.art,
        albumCount=artist.release_count,
        starred=instant(artist.annotation.liked_at),
        userRating=artist.annotation.rating or None,
        musicBrainzId=artist.mbid or "",
        sortName=artist.sort_name,
        roles=list(artist.roles),
    )


def plain_artist(artist: Artist) -> dict[str, Any]:
    """``Artist``, of the calls from before tags."""
    return known(id=artist.id, name=artist.name, starred=instant(artist.annotation.liked_at), userRating=artist.annotation.rating or None)


def folder(folder: Folder, parent: FolderId | None) -> dict[str, Any]:
    """``Child`` of a real folder."""
    return known(id=folder.id, parent=parent, isDir=True, title=folder.name, artist=None, mediaType=None)


def genre(genre: Genre) -> dict[str, Any]:
    return {"value": genre.name, "songCount": genre.track_count, "albumCount": genre.release_count}


def playlist(playlist: Playlist) -> dict[str, Any]:
    return known(
        id=playlist.id,
        name=playlist.name,
        comment=playlist.comment,
        owner=playlist.owner,
        public=playlist.public,
        songCount=playlist.track_count,
        duration=round(playlist.duration_ms / 1000),
        created=instant(playlist.created_at),
        changed=instant(playlist.changed_at),
        coverArt=playlist.art,
        # No `readonly`: clients written before it was specified refuse the whole answer (knuckles 1.2).
    )


def lyrics(words: Lyrics, track: Track) -> dict[str, Any]:
    """``StructuredLyrics``."""
    return known(
        displayArtist=track.artist,
        displayTitle=track.title,
        lang=words.language,
        synced=words.synced,
        offset=words.offset_ms,
        line=[known(start=line.start_ms if words.synced else None, value=line.text) for line in words.lines],
    )


def by_initial(rows: Iterable[tuple[str, dict[str, Any]]]) -> list[dict[str, Any]]:
    """Rows of (sort key, record), sorted, as index sections by first letter; what starts otherwise comes under ``#``."""
    sections: dict[str, list[dict[str, Any]]] = {}
    for key, record in rows:
        first = key[:1].upper()
        sections.setdefault(first if first.isalpha() else "#", []).append(record)
    return [{"name": name, "artist": sections[name]} for name in sorted(sections, key=lambda name: (name != "#", name))]
