"""Every call of the interface, taken from its own document, against those it must stop: a new call cannot be forgotten here.

Who signed in needs the CSRF token; a token needs the scope; an admin's call needs an admin; what was not granted does not exist; and
whatever is sent, the answer is in the one shape of errors and never a 500.
"""

import json
import re
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from segue.testing.server import RunningServer, running_server

DOCS = Path(__file__).parents[2] / "docs"
MISSING = "0000000000000000000000"
ADMIN_ONLY = re.compile(
    r"/(users|scan)\b|^(POST|PATCH|DELETE) /api/libraries|^POST /api/(analysis|duplicates)"
    r"|^(PATCH|DELETE) /api/tracks/.*/(analysis|duplicates)"
)


@pytest.fixture(scope="module")
def own(demo_library: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    """A server that only this file uses: it is shaken about."""
    with running_server(tmp_path_factory.mktemp("boundaries") / "data", demo_library) as server:
        yield server


@pytest.fixture(scope="module")
def document(own: RunningServer) -> dict[str, Any]:
    found: dict[str, Any] = httpx.get(f"{own.url}/api/openapi.json").json()
    return found


@pytest.fixture(scope="module")
def calls(document: dict[str, Any]) -> list[tuple[str, str, dict[str, Any]]]:
    found = [(method.upper(), path, call) for path, methods in document["paths"].items() for method, call in methods.items()]
    assert len(found) > 50
    return found


@pytest.fixture(scope="module")
def signed_in(own: RunningServer) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=own.url, timeout=60) as client:
        client.headers["X-Segue-CSRF"] = client.post("/api/session", json={"name": own.admin, "password": own.password}).json()["csrf"]
        yield client


@pytest.fixture(scope="module")
def some(signed_in: httpx.Client) -> dict[str, str]:
    track = next(one for one in signed_in.get("/api/tracks?limit=200").json()["items"] if one["art"])
    token = signed_in.post("/api/tokens", json={"name": "someone's"}).json()
    return {
        "similar": track["id"],
        "tracks": track["id"], "releases": track["release_id"], "artists": track["artists"][0]["id"], "folders": track["folder_id"],
        "art": track["art"], "tokens": token["id"], "users": signed_in.get("/api/session").json()["user"]["id"], "libraries": "1",
        "playlists": signed_in.post("/api/playlists", json={"name": "private", "track_ids": [track["id"]]}).json()["id"],
        "slates": signed_in.post("/api/next", json={"n": 3, "seeds": [track["id"]]}).json()["id"],
    }  # fmt: skip


def bearer(server: RunningServer, secret: str) -> httpx.Client:
    return httpx.Client(base_url=server.url, headers={"Authorization": f"Bearer {secret}"}, timeout=60)


def request(client: httpx.Client, method: str, path: str, call: dict[str, Any], **more: Any) -> httpx.Response:
    """With a body that the call can read, so that what is refused is the asker."""
    if "requestBody" in call:
        content: dict[str, Any] = {
            "name": "x", "password": "long-enough", "old": "x", "new": "long-enough", "track_ids": [], "path": "/nowhere"
        }  # fmt: skip
        if path.endswith(("/preferences", "/events")):
            content = {"events": []} if path.endswith("/events") else {}
        more = {"json": content, **more}
    return client.request(method, path, **more)


def code(answer: httpx.Response) -> tuple[int, str]:
    return answer.status_code, answer.json()["error"]["code"]


def at(path: str, some: dict[str, str]) -> str:
    return path.replace("{id}", some.get(path.split("/")[2], "1"))


# -- who asks --------------------------------------------------------------------------------------------------------


def test_no_call_answers_a_stranger(own: RunningServer, calls: list[Any], some: dict[str, str]) -> None:
    with httpx.Client(base_url=own.url) as stranger:
        for method, path, call in calls:
            if (method, path) == ("POST", "/api/session") or method == "HEAD":
                continue
            for headers in ({}, {"Cookie": "segue_session=guessed"}, {"Authorization": "Basic YTpi"}, {"Authorization": "Bearer"}):
                answer = request(stranger, method, at(path, some), call, headers=headers)
                assert code(answer) == (401, "unauthenticated"), (method, path, headers)


def test_every_unsafe_call_of_a_session_needs_the_csrf_token(own: RunningServer, calls: list[Any], signed_in: httpx.Client) -> None:
    unsafe = [one for one in calls if one[0] not in ("GET", "HEAD") and one[:2] != ("POST", "/api/session")]
    assert len(unsafe) > 20
    token = signed_in.headers["X-Segue-CSRF"]
    for method, path, call in unsafe:
        assert {"session": [], "csrf": []} in call["security"], path
        for headers in (
            {"X-Segue-CSRF": ""},
            {"X-Segue-CSRF": token[:-1]},
            {"X-Segue-CSRF": "ä".encode()},
            {"Sec-Fetch-Site": "cross-site"},
            {"Sec-Fetch-Site": "same-site"},
            {"Origin": "http://evil.example"},
            {"Origin": "null"},
        ):
            answer = request(signed_in, method, path.replace("{id}", "1"), call, headers=headers)
            assert code(answer) == (403, "forbidden"), (method, path, headers)
    assert signed_in.patch("/api/preferences", json={}, headers={"Origin": own.url}).status_code == 200
    assert signed_in.patch("/api/preferences", json={}, headers={"Sec-Fetch-Site": "same-origin"}).status_code == 200


@pytest.mark.parametrize("headers", [{"Origin": "http://evil.example"}, {"Origin": "null"}, {"Sec-Fetch-Site": "cross-site"}])
def test_another_site_cannot_sign_a_browser_in_as_someone_else(own: RunningServer, headers: dict[str, str]) -> None:
    body = json.dumps({"name": own.admin, "password": own.password})
    answer = httpx.post(f"{own.url}/api/session", content=body, headers={"Content-Type": "text/plain", **headers})
    assert code(answer) == (403, "forbidden")
    assert "set-cookie" not in answer.headers


def test_every_admin_call_stops_others_and_their_tokens(own: RunningServer, calls: list[Any], some: dict[str, str]) -> None:
    own.segue("user", "add", "listener", "--password-stdin", stdin="listener-password\n")
    plain, app_of_admin = bearer(own, own.token("listener")), bearer(own, own.token())
    admins = [one for one in calls if ADMIN_ONLY.search(f"{one[0]} {one[1]}") and one[:2] != ("GET", "/api/scan")]
    assert len(admins) == 13
    for method, path, call in admins:
        for client in (plain, app_of_admin):  # an app password manages nothing, whosever it is
            assert code(request(client, method, at(path, some), call)) == (403, "forbidden"), (method, path)
    assert plain.get("/api/libraries").json()["items"][0]["path"] is None


def test_a_token_does_what_its_scopes_say_on_every_protocol(own: RunningServer, calls: list[Any], some: dict[str, str]) -> None:
    made = json.loads(own.segue("token", "create", "--user", "admin", "--name", "r", "--scope", "read", "--json").stdout)
    reader = bearer(own, made["secret"])
    for method, path, call in calls:
        if method not in ("GET", "HEAD") and path != "/api/session":
            assert code(request(reader, method, at(path, some), call)) == (403, "forbidden"), (method, path)
    assert reader.get("/api/tracks").status_code == 200

    def rest(call: str, **proof: str) -> dict[str, Any]:
        answer = httpx.get(
            f"{own.url}/rest/{call}", params={**dict(httpx.QueryParams(call.partition("?")[2])), **proof, "c": "t", "f": "json"}
        )
        found: dict[str, Any] = answer.json()["subsonic-response"]
        return found

    track, playlist = some["tracks"], some["playlists"]
    for proof in ({"u": "admin", "p": made["secret"]}, {"apiKey": made["secret"]}):
        assert rest("ping", **proof)["status"] == "ok"
        for call in (
            f"star?id={track}", f"unstar?id={track}", f"setRating?id={track}&rating=3", f"scrobble?id={track}", f"savePlayQueue?id={track}",
            "createPlaylist?name=x", f"updatePlaylist?playlistId={playlist}", f"deletePlaylist?id={playlist}",
        ):  # fmt: skip
            assert rest(call, **proof)["error"]["code"] == 50, call


def test_a_stolen_token_neither_breeds_nor_ends_others(own: RunningServer, some: dict[str, str]) -> None:
    made = json.loads(own.segue("token", "create", "--user", "admin", "--name", "s", "--json").stdout)
    thief = bearer(own, made["secret"])
    assert code(thief.post("/api/tokens", json={"name": "more"})) == (403, "forbidden")
    assert code(thief.post("/api/password", json={"old": own.password, "new": "long-enough"})) == (403, "forbidden")
    assert code(thief.delete(f"/api/tokens/{some['tokens']}")) == (403, "forbidden")
    assert thief.delete(f"/api/tokens/{made['id']}").status_code == 204
    assert thief.get("/api/tracks").status_code == 401


def test_the_cookie_is_closed_to_scripts_and_secure_where_the_proxy_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "segue.toml").write_text('trusted_proxies = ["127.0.0.1"]\n')
    with running_server(tmp_path / "data", scan=False) as server:
        for proto, secure in (("https", True), ("http", False)):
            answer = httpx.post(
                f"{server.url}/api/session",
                json={"name": "admin", "password": server.password},
                headers={"X-Forwarded-Proto": proto, "X-Forwarded-For": "203.0.113.7"},
            )
            [cookie] = answer.headers.get_list("set-cookie")
            parts = {part.strip().lower() for part in cookie.split(";")}
            assert {"httponly", "samesite=lax", "path=/"} <= parts
            assert ("secure" in parts) is secure
        assert httpx.get(f"{server.url}/metrics").status_code == 200
        assert httpx.get(f"{server.url}/metrics", headers={"X-Forwarded-For": "127.0.0.1"}).status_code == 403, "through a proxy"


# -- what exists -----------------------------------------------------------------------------------------------------


def test_every_id_that_was_not_granted_is_404(own: RunningServer, demo_library: Path, calls: list[Any], some: dict[str, str]) -> None:
    own.segue("user", "add", "outsider", "--password-stdin", stdin="outsider-password\n")
    outsider = bearer(own, own.token("outsider"))
    own.segue("library", "grant", str(demo_library), "admin")
    try:
        tried = set()
        for method, path, call in calls:
            kind = path.split("/")[2]
            if (
                "{id}" not in path or kind in ("users", "libraries", "tokens", "me", "lastfm-apps") or ADMIN_ONLY.search(f"{method} {path}")
            ):  # one's own, or an admin's
                continue
            tried.add(kind)
            for query in ("", "?format=opus", "?size=64"):
                answer = request(outsider, method, path.replace("{id}", some[kind]) + query, call)
                absent = request(outsider, method, path.replace("{id}", MISSING) + query, call)
                assert answer.status_code == absent.status_code == 404, (method, path)
                if method != "HEAD":
                    assert answer.text.replace(some[kind], MISSING) == absent.text, "exactly as if it did not exist"
        assert tried == {"tracks", "releases", "artists", "folders", "art", "playlists", "similar", "slates"}
        for kind in ("artists", "releases", "folders", "tracks", "playlists"):  # a picture can be asked for by what it belongs to
            assert outsider.get(f"/api/art/{some[kind]}").status_code == 404
        for method, path, call in calls:
            if method == "GET" and "{id}" not in path and not ADMIN_ONLY.search(f"{method} {path}") and path != "/api/session":
                text = request(outsider, method, path, call).text
                assert not [id for kind, id in some.items() if kind not in ("libraries", "users") and id in text], path
    finally:
        own.segue("library", "grant", str(demo_library), "--everyone")
    assert outsider.get(f"/api/tracks/{some['tracks']}").status_code == 200, "a grant counts at once"
    assert outsider.get(f"/api/playlists/{some['playlists']}").status_code == 404, "a private playlist is its owner's"


# -- what is sent ----------------------------------------------------------------------------------------------------

_NUMBERS = st.sampled_from([2**31, 2**63, -(2**63), 2**64, 10**40])
_SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20) | _NUMBERS
_JSON = st.recursive(
    _SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3), max_leaves=8
)
_WORDS = st.one_of(
    st.text(max_size=30), st.integers().map(str), st.floats().map(str),
    st.sampled_from(["'", '"', "../..", "-1", "NaN", "1e999", "9" * 400, "x" * 3000]),
)  # fmt: skip


def like(schema: dict[str, Any], schemas: dict[str, Any]) -> st.SearchStrategy[Any]:
    """Bodies shaped as the document says, with some of the values wrong."""
    if "$ref" in schema:
        schema = schemas[schema["$ref"].rpartition("/")[2]]
    if "properties" in schema:
        inner = {name: like(one, schemas) for name, one in schema["properties"].items()}
        required = {name: inner.pop(name) for name in schema.get("required", [])}
        return st.fixed_dictionaries(required, optional=inner) | _JSON
    if schema.get("type") == "array":
        return st.lists(like(schema.get("items", {}), schemas), max_size=4) | _SCALARS
    if "enum" in schema:
        return st.sampled_from(schema["enum"]) | _SCALARS
    return st.sampled_from([MISSING, "2026-01-02T03:04:05Z"]) | _JSON


def test_whatever_is_sent_the_answer_is_no_500(
    calls: list[Any], document: dict[str, Any], signed_in: httpx.Client, some: dict[str, str]
) -> None:
    schemas = document["components"]["schemas"]
    harmless = [one for one in calls if one[1] not in ("/api/session", "/api/scan", "/api/password")]
    harmless = [one for one in harmless if not (one[0] in ("DELETE", "PATCH") and one[1].split("/")[2] in ("users", "libraries"))]
    seen: set[int] = set()

    @settings(max_examples=400, deadline=None, database=None, suppress_health_check=list(HealthCheck))
    @given(st.data())
    def shake(data: st.DataObject) -> None:
        method, path, call = data.draw(st.sampled_from(harmless))
        id = data.draw(_WORDS | st.sampled_from(sorted(some.values())) | st.binary(max_size=6))
        filled = path.replace("{id}", quote(id, safe="") or "x")
        query = [
            f"{one['name']}={quote(data.draw(_WORDS | st.binary(max_size=6)), safe='')}"
            for one in call.get("parameters", []) if one["in"] == "query" and data.draw(st.booleans())
        ]  # fmt: skip
        body = None
        if "application/json" in call.get("requestBody", {"content": {}})["content"]:
            value = data.draw(like(call["requestBody"]["content"]["application/json"]["schema"], schemas))
            body = json.dumps(value).encode() if data.draw(st.integers(0, 9)) else data.draw(st.binary(max_size=20))
        answer = signed_in.request(method, f"{filled}?{'&'.join(query)}", content=body, headers={"Content-Type": "application/json"})
        seen.add(answer.status_code)
        assert answer.status_code < 500, (method, filled, query, body, answer.text)
        if answer.status_code >= 400 and method != "HEAD":
            error = answer.json()
            assert set(error) == {"error"}
            assert set(error["error"]) == {"code", "message"}
            assert error["error"]["code"] in schemas["ErrorDetail"]["properties"]["code"]["enum"]

    shake()
    assert {200, 400, 404} <= seen


@pytest.mark.parametrize(
    "path", ["/api/next", "/api/events", "/api/preferences", "/api/playlists", "/api/queue", "/api/users", "/api/tokens"]
)
def test_a_hundred_thousand_brackets(signed_in: httpx.Client, path: str) -> None:
    method = {"/api/preferences": "PATCH", "/api/queue": "PUT"}.get(path, "POST")
    for deep in (b"[" * 100_000, b'{"a":' * 100_000, b'{"context":' + b"[" * 100_000 + b"]" * 100_000 + b"}"):
        assert code(signed_in.request(method, path, content=deep, headers={"Content-Type": "application/json"})) == (400, "bad_request")


@pytest.mark.parametrize("number", ["9" * 40, "-1", "x", "1.0"])
def test_a_library_number_that_is_none(signed_in: httpx.Client, number: str) -> None:
    for method in ("PATCH", "DELETE"):
        answer = signed_in.request(method, f"/api/libraries/{number}", json={} if method == "PATCH" else None)
        assert answer.status_code in (400, 404)
        assert set(answer.json()["error"]) == {"code", "message"}


@pytest.mark.parametrize("path", ["/tmp/a\0b", "/" + "x" * 10_000, "", ".", "src", "/nowhere/at/all", "\ud800"])
def test_a_folder_that_is_none(signed_in: httpx.Client, path: str) -> None:
    answer = signed_in.post("/api/libraries", content=json.dumps({"path": path}), headers={"Content-Type": "application/json"})
    assert code(answer) == (400, "bad_request")


def test_bodies_are_bounded_however_they_are_sent(signed_in: httpx.Client) -> None:
    def chunks() -> Iterator[bytes]:
        yield from [b"x" * 65_536] * 80

    for content in (b"x" * (5 << 20), chunks()):
        answer = signed_in.post("/api/events", content=content, headers={"Content-Type": "application/json"})
        assert code(answer) == (413, "too_large")


def test_unknown_paths_and_methods_have_the_same_shape(signed_in: httpx.Client) -> None:
    assert code(signed_in.get("/api/nothing")) == (404, "not_found")
    assert code(signed_in.get("/api/nothing/at/all")) == (404, "not_found")
    assert signed_in.put("/api/home").status_code == 405
    assert set(signed_in.put("/api/home").json()["error"]) == {"code", "message"}


def test_every_answer_carries_the_manners_of_the_edge(signed_in: httpx.Client, some: dict[str, str]) -> None:
    ids = set()
    paths = ["/", "/api/home", "/api/nothing", f"/api/tracks/{some['tracks']}/stream", f"/api/art/{some['art']}", "/rest/ping", "/healthz"]
    for path in paths:
        headers = signed_in.get(path).headers
        policy = headers["content-security-policy"]
        assert "default-src 'self'; script-src 'self'; style-src 'self';" in policy
        assert "object-src 'none'; frame-ancestors 'none'; base-uri 'self'; form-action 'self'" in policy
        assert "unsafe" not in policy
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["referrer-policy"] == "same-origin"
        assert headers["cross-origin-opener-policy"] == "same-origin"
        assert headers.get("access-control-allow-origin") == ("*" if path.startswith("/rest/") else None)
        ids.add(headers["x-request-id"])
    assert len(ids) == len(paths)
    assert "access-control-allow-origin" not in signed_in.get("/api/art/rest/x").headers


def test_slow_streams_do_not_hold_quick_calls_up(own: RunningServer, signed_in: httpx.Client) -> None:
    tracks = [one["id"] for one in signed_in.get("/api/tracks?limit=60").json()["items"]]
    cookies = dict(signed_in.cookies)
    waits: list[float] = []

    def transcode(track: str) -> None:
        httpx.get(f"{own.url}/api/tracks/{track}/stream?format=opus&bitrate_kbps=96", cookies=cookies, timeout=120)

    threads = [threading.Thread(target=transcode, args=(track,)) for track in tracks]
    for thread in threads:
        thread.start()
    while any(thread.is_alive() for thread in threads) and len(waits) < 40:
        started = time.perf_counter()
        assert signed_in.get("/api/genres").status_code == 200
        waits.append(time.perf_counter() - started)
    for thread in threads:
        thread.join()
    assert max(waits) < 5, "a list waits for the processor, never for sixty decoders"


# -- what is written about it ----------------------------------------------------------------------------------------


def test_the_document_is_complete(document: dict[str, Any], calls: list[Any]) -> None:
    schemas = document["components"]["schemas"]
    for reference in re.findall(r'"#/components/schemas/([^"]+)"', json.dumps(document)):
        assert reference in schemas
    for method, path, call in calls:
        assert call["responses"]["default"]["content"]["application/json"]["schema"] == {"$ref": "#/components/schemas/Error"}, path
        for status, answer in call["responses"].items():
            if status.startswith("2") and status != "204":
                [content] = answer["content"].values()
                assert content["schema"], (method, path)
        if method in ("POST", "PUT", "PATCH") and not path.endswith("/restore"):
            assert call["requestBody"]["content"], (method, path)
        assert not {one["name"] for one in call.get("parameters", [])} & {"me", "request"}


def test_every_call_is_in_the_manual_and_the_manual_names_no_other(calls: list[Any]) -> None:
    one = r"(?:GET|POST|PUT|PATCH|DELETE|HEAD)"
    written = set()
    for methods, path in re.findall(rf"`({one}(?:\\?\|{one})*) (/api/[^`?\s]*)", (DOCS / "api.md").read_text()):
        written |= {(method, re.sub(r"\{\w+\}", "{id}", path)) for method in re.split(r"\\?\|", methods)}
    there = {(method, path) for method, path, _ in calls} | {("GET", "/api/openapi.json")}
    assert {call for call in there - written if call[0] != "HEAD"} == set(), "missing in docs/api.md"
    assert written - there == set(), "docs/api.md promises what is not there"
