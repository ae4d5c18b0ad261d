"""The web player: files built by ``player/``, shipped in the wheel, served from memory.

Files with a hash in their name never change and are cached for good; the page itself is asked for each time. The page serves every
path the player routes by itself, so that a reload on ``/releases/…`` works; its ``<base href>`` names where the server is mounted.
"""

import gzip
import hashlib
import html
import mimetypes
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from litestar import Request, Response, get
from litestar.handlers import HTTPRouteHandler

from segue.errors import NotFound

WEB = Path(__file__).parent / "web"
_COMPRESSED = (".html", ".js", ".css", ".svg", ".json", ".webmanifest", ".txt")
_MISSING = b"""<!doctype html><html lang="en"><title>Segue</title><h1>The player is not built</h1>
<p>The server works, and apps can connect. Build the player with <code>make setup</code>, then restart.</p></html>"""


@dataclass(frozen=True, slots=True)
class _File:
    body: bytes
    gzipped: bytes | None
    content_type: str
    etag: str
    immutable: bool


def _load(path: Path, name: str, base_path: str) -> _File:
    body = path.read_bytes()
    if name == "index.html":
        body = body.replace(b'<base href="/"', f'<base href="{html.escape(base_path)}/"'.encode())
    content_type = mimetypes.guess_type(name)[0] or "application/octet-stream"
    if path.suffix == ".webmanifest":
        content_type = "application/manifest+json"
    if content_type.startswith("text/") or path.suffix == ".js":
        content_type += "; charset=utf-8"
    return _File(
        body=body,
        gzipped=gzip.compress(body, 6) if path.suffix in _COMPRESSED else None,
        content_type=content_type,
        etag=f'"{hashlib.blake2b(body, digest_size=12).hexdigest()}"',
        immutable=name.startswith("assets/"),
    )


def routes(base_path: str, web: Path = WEB) -> list[HTTPRouteHandler]:
    """One handler for every path no other part claims."""
    files = {name: _load(path, name, base_path) for path in web.rglob("*") if path.is_file() for name in [path.relative_to(web).as_posix()]}
    page = files.get("index.html") or _File(_MISSING, None, "text/html; charset=utf-8", '"unbuilt"', False)

    @get(["/", "/{path:path}"], include_in_schema=False, sync_to_thread=False)
    def player(request: Request[Any, Any, Any], path: str = "") -> Response[bytes]:
        name = path.strip("/")
        file = files.get(name)
        if file is None:
            if name.partition("/")[0] in {"api", "rest", "1", "2.0", "assets"} or "." in name.rpartition("/")[2]:
                raise NotFound("page", name[:100])
            file = page
        headers = {
            "ETag": file.etag,
            "Cache-Control": "public, max-age=31536000, immutable" if file.immutable else "no-cache",
            "Vary": "Accept-Encoding",
        }
        if request.headers.get("if-none-match") == file.etag:
            return Response(b"", status_code=304, headers=headers)
        body = file.body
        if file.gzipped and "gzip" in request.headers.get("accept-encoding", ""):
            body, headers["Content-Encoding"] = file.gzipped, "gzip"
        return Response(body, headers=headers, media_type=file.content_type)

    return [player]
