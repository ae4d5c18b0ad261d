"""Clients that others wrote, against a real server: py-sonic, py-opensonic, knuckles."""

from urllib.parse import urlsplit

import knuckles
import libopensonic
import libsonic
import pytest

from segue.testing.server import RunningServer


@pytest.mark.parametrize("legacy", [False, True], ids=["token", "password"])
def test_py_sonic(server: RunningServer, secret: str, legacy: bool) -> None:
    port = urlsplit(server.url).port
    client = libsonic.Connection("http://127.0.0.1", "admin", secret, port=port, legacyAuth=legacy)
    assert client.ping()
    albums = client.getAlbumList2("alphabeticalByName", size=500)["albumList2"]["album"]
    assert len(albums) >= 12
    songs = [song for album in albums for song in client.getAlbum(album["id"])["album"]["song"]]
    assert len(songs) >= 60
    assert client.stream(songs[0]["id"]).read(16)
    client.star(sids=[songs[0]["id"]])
    assert songs[0]["id"] in {song["id"] for song in client.getStarred2()["starred2"]["song"]}
    client.unstar(sids=[songs[0]["id"]])
    client.setRating(songs[1]["id"], 5)
    assert client.getSong(songs[1]["id"])["song"]["userRating"] == 5
    heard = songs[2 + legacy]["id"]  # the same song again so soon would be the same play
    before = client.getSong(heard)["song"]["playCount"]
    client.scrobble(heard)
    assert client.getSong(heard)["song"]["playCount"] == before + 1
    made = client.createPlaylist(name="from py-sonic", songIds=[song["id"] for song in songs[:3]])["playlist"]
    client.updatePlaylist(made["id"], songIdsToAdd=[songs[4]["id"]], songIndexesToRemove=[0])
    entries = client.getPlaylist(made["id"])["playlist"]["entry"]
    assert [entry["id"] for entry in entries] == [songs[1]["id"], songs[2]["id"], songs[4]["id"]]
    client.deletePlaylist(made["id"])
    assert client.search3(songs[0]["title"])["searchResult3"]["song"]


def test_py_opensonic(server: RunningServer, secret: str) -> None:
    port = urlsplit(server.url).port
    for options in ({"username": "admin", "password": secret}, {"api_key": secret}):
        client = libopensonic.Connection("http://127.0.0.1", port=port, **options)
        assert client.ping()
        albums = client.get_album_list2("newest", size=10)
        album = client.get_album(albums[0].id)
        song = client.get_song(album.song[0].id)
        assert song.id == album.song[0].id
        assert client.get_artists()
        assert client.get_open_subsonic_extensions()
        assert client.get_lyrics_by_song_id(song.id) is not None
        assert client.stream(song.id)
        client.save_play_queue([song.id], song.id, 1000)
        assert client.get_play_queue().entry[0].id == song.id


def test_knuckles(server: RunningServer, secret: str, demo_library: object) -> None:
    address = urlsplit(server.url)
    client = knuckles.Subsonic(f"http://{address.netloc}", "admin", secret, "tests", use_https=False)
    assert client.system.ping().status == "ok"
    assert client.system.get_license().valid
    assert client.browsing.get_artists()
    albums = client.lists.get_album_list_newest(10)
    album = client.browsing.get_album(albums[0].id)
    assert album.songs
    song = client.browsing.get_song(album.songs[0].id)
    song.star()
    assert song.id in {starred.id for starred in client.lists.get_starred().songs or []}
    song.unstar()
    assert client.searching.search(song.title).songs
    made = client.playlists.create_playlist("from knuckles", "", False, [song.id])
    assert client.playlists.get_playlist(made.id).songs[0].id == song.id
    client.playlists.delete_playlist(made.id)
