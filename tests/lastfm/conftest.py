"""A server of its own, apps that sign their calls, and TLS in front of it for clients that know nothing else."""

import datetime
import hashlib
import ipaddress
import itertools
import socket
import socketserver
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from segue.testing.server import RunningServer, running_server

_hosts = itertools.count(1)


@pytest.fixture(scope="session")
def own(demo_library: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    """It believes this machine as a proxy, so that each app of the tests has an address of its own."""
    data = tmp_path_factory.mktemp("lastfm") / "data"
    data.mkdir()
    (data / "segue.toml").write_text('trusted_proxies = ["127.0.0.1"]\n')
    with running_server(data, demo_library) as server:
        yield server


@dataclass
class Scrobbler:
    """An app: it signs what it sends when it has a secret."""

    url: str
    api_key: str
    secret: str | None = None
    sk: str | None = None
    address: str = field(default_factory=lambda: f"10.7.{next(_hosts)}.1")

    def call(self, method: str, *, get: bool = False, sign: str | None = None, **params: Any) -> httpx.Response:
        """``params`` as they are; an index is written ``artist_0``. ``sign``: with this secret."""
        return self.send({name: str(value) for name, value in params.items()} | {"method": method}, get=get, sign=sign)

    def send(self, params: dict[str, str], *, get: bool = False, sign: str | None = None) -> httpx.Response:
        sent = {"api_key": self.api_key, **({"sk": self.sk} if self.sk else {}), **params}
        if secret := sign or self.secret:
            text = "".join(name + sent[name] for name in sorted(sent) if name not in {"format", "callback"})
            sent["api_sig"] = hashlib.md5((text + secret).encode()).hexdigest()
        headers = {"X-Forwarded-For": self.address}
        if get:
            return httpx.get(f"{self.url}/2.0/", params=sent, headers=headers, timeout=60)
        return httpx.post(f"{self.url}/2.0/", data=sent, headers=headers, timeout=60)

    def json(self, method: str, **params: Any) -> Any:
        return self.call(method, format="json", **params).json()

    def sign_in(self, user: str, password: str) -> "Scrobbler":
        answer = self.json("auth.getMobileSession", username=user, password=password)
        self.sk = answer["session"]["key"]
        return self


@pytest.fixture(scope="session")
def admin(own: RunningServer) -> Iterator[httpx.Client]:
    """Signed in to the player."""
    with httpx.Client(base_url=own.url, timeout=60) as client:
        client.headers["X-Segue-CSRF"] = client.post("/api/session", json={"name": own.admin, "password": own.password}).json()["csrf"]
        yield client


@pytest.fixture(scope="session")
def registered(own: RunningServer, admin: httpx.Client) -> dict[str, str]:
    """An app of this server: its key and secret."""
    made: dict[str, str] = admin.post("/api/lastfm-apps", json={"name": "Desk scrobbler"}).json()
    return made


@pytest.fixture
def listener(own: RunningServer, admin: httpx.Client) -> "Listener":
    """A new one, with an app password named scrobbler."""
    name = f"listener {next(_hosts)}"
    assert admin.post("/api/users", json={"name": name, "password": "login-password"}).status_code == 201
    with httpx.Client(base_url=own.url, timeout=60) as client:
        signed = client.post("/api/session", json={"name": name, "password": "login-password"}).json()
        made = client.post("/api/tokens", json={"name": "scrobbler"}, headers={"X-Segue-CSRF": signed["csrf"]}).json()
    return Listener(own, name, made["secret"])


@dataclass
class Listener:
    server: RunningServer
    name: str
    secret: str

    def rest(self, endpoint: str, **params: Any) -> Any:
        asked = {"u": self.name, "p": self.secret, "v": "1.16.1", "c": "tests", "f": "json", **params}
        return httpx.get(f"{self.server.url}/rest/{endpoint}", params=asked, timeout=60).json()["subsonic-response"]

    def api(self, path: str, method: str = "GET", **more: Any) -> httpx.Response:
        headers = {"Authorization": f"Bearer {self.secret}"}
        return httpx.request(method, f"{self.server.url}/api{path}", headers=headers, timeout=60, **more)

    def listens(self) -> list[Any]:
        return list(self.api("/me/listens?limit=100").json()["items"])

    def song(self) -> dict[str, Any]:
        """A track of the library whose artist and title name no other."""
        songs = self.rest("search3", query="", songCount=200)["searchResult3"]["song"]
        names = [(song["artist"], song["title"]) for song in songs]
        return next(song for song in songs if names.count((song["artist"], song["title"])) == 1 and " feat" not in song["artist"])


@pytest.fixture
def scrobbler(own: RunningServer, registered: dict[str, str], listener: Listener) -> Scrobbler:
    """The registered app, signed in for ``listener``."""
    return Scrobbler(own.url, registered["api_key"], registered["secret"]).sign_in(listener.name, listener.secret)


@dataclass
class Secured:
    """``address``: host and port where TLS is spoken; ``trust``: a context that trusts it."""

    address: str
    trust: ssl.SSLContext


@pytest.fixture(scope="session")
def secured(own: RunningServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Secured]:
    """TLS for a certificate of our own, ended before the server."""
    certificate, key = _certificate(tmp_path_factory.mktemp("tls"))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    with _tls_before(own.url, context) as port:
        yield Secured(f"localhost:{port}", ssl.create_default_context(cafile=str(certificate)))


def _certificate(folder: Path) -> tuple[Path, Path]:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    at = datetime.datetime.now(datetime.UTC)
    names = x509.SubjectAlternativeName([x509.DNSName("localhost"), x509.IPAddress(ipaddress.ip_address("127.0.0.1"))])
    made = (
        x509.CertificateBuilder(
            name, name, key.public_key(), x509.random_serial_number(), at - datetime.timedelta(1), at + datetime.timedelta(1)
        )
        .add_extension(names, critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .sign(key, hashes.SHA256())
    )
    files = folder / "certificate.pem", folder / "key.pem"
    files[0].write_bytes(made.public_bytes(serialization.Encoding.PEM))
    files[1].write_bytes(key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()))
    return files


@contextmanager
def _tls_before(url: str, context: ssl.SSLContext) -> Iterator[int]:
    behind = urlsplit(url)

    class Handler(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            with (
                context.wrap_socket(self.request, server_side=True) as outside,
                socket.create_connection((behind.hostname, behind.port)) as inside,
            ):
                back = threading.Thread(target=_copy, args=(inside, outside), daemon=True)
                back.start()
                _copy(outside, inside)
                back.join()

    class Server(socketserver.ThreadingTCPServer):
        daemon_threads = True

    with Server(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server.server_address[1]
        server.shutdown()


def _copy(source: socket.socket, target: socket.socket) -> None:
    try:
        while chunk := source.recv(65536):
            target.sendall(chunk)
        target.shutdown(socket.SHUT_WR)
    except OSError:
        pass
