"""Tokens that expire: refused by every protocol from then on, each in its own shape."""

import json
import time
from pathlib import Path
from typing import Any

import httpx
import pytest
import sqlalchemy as sa

from segue.access import Accounts
from segue.errors import AppPasswordNeeded, BadRequest, Unauthenticated
from segue.store import Database, DataDir, open_store
from segue.testing.server import RunningServer

from .conftest import HeldClock


def test_a_token_serves_until_it_expires(accounts: Accounts, clock: HeldClock) -> None:
    user = accounts.add_user("ann", "password")
    token, secret = accounts.create_token(user.id, "phone", expires_in_s=60)
    _, lasting = accounts.create_token(user.id, "car")
    assert token.expires_at == clock.at + 60_000
    session = accounts.lastfm.open_session(accounts.authenticate_app("ann", password=secret, address="a"), "an app")
    clock.pass_s(59.9)
    assert accounts.authenticate_secret(secret, address="a").token_id == token.id
    assert accounts.lastfm.listener(session, "an app", address="a").token_id == token.id
    assert accounts.stands(token.id)
    clock.pass_s(0.1)
    with pytest.raises(Unauthenticated, match="expired"):
        accounts.authenticate_secret(secret, address="a")
    with pytest.raises(AppPasswordNeeded):
        accounts.authenticate_app("ann", password=secret, address="b")
    with pytest.raises(Unauthenticated, match="expired"):
        accounts.lastfm.listener(session, "an app", address="a")
    assert not accounts.stands(token.id)
    assert accounts.authenticate_app("ann", password=lasting, address="c").user.name == "ann"
    assert [one.expires_at for one in accounts.tokens(user.id)] == [token.expires_at, None]
    for wrong in (0, -1, 10**12):
        with pytest.raises(BadRequest):
            accounts.create_token(user.id, "x", expires_in_s=wrong)


def test_a_database_of_before_gets_the_columns(tmp_path: Path) -> None:
    with DataDir(tmp_path / "data") as data:
        db = open_store(data)
        with db.write() as connection:
            connection.exec_driver_sql("ALTER TABLE token DROP COLUMN expires_at")
            connection.exec_driver_sql("ALTER TABLE lastfm_app DROP COLUMN callback")
            connection.exec_driver_sql("UPDATE alembic_version SET version_num = '0003'")
        db.close()
        db = open_store(data)
        assert columns(db, "token") >= {"expires_at", "last_client"}
        assert "callback" in columns(db, "lastfm_app")
        db.close()


def columns(db: Database, table: str) -> set[str]:
    with db.read() as connection:
        return {column["name"] for column in sa.inspect(connection).get_columns(table)}


def test_every_protocol_refuses_an_expired_token(server: RunningServer) -> None:
    arguments = ("token", "create", "--user", "admin", "--name", "brief", "--json", "--expires")
    refused = server.segue(*arguments, "soon", check=False)
    assert refused.returncode != 0
    assert "30d" in refused.stderr
    brief = server.do("token.create", user="admin", name="brief", expires="10s")
    made = time.monotonic()
    secret = brief["secret"]
    client = httpx.Client(base_url=server.url, timeout=60)

    def rest(**who: str) -> Any:
        return client.get("/rest/ping", params={**who, "c": "t", "v": "1.16.1", "f": "json"}).json()["subsonic-response"]

    def lastfm(**params: str) -> httpx.Response:
        return client.post("/2.0/", data={"api_key": "some app", "format": "json", **params})

    bearer, lb = {"Authorization": f"Bearer {secret}"}, {"Authorization": f"Token {secret}"}
    session = lastfm(method="auth.getMobileSession", username="admin", password=secret).json()["session"]["key"]
    assert rest(apiKey=secret)["status"] == rest(u="admin", p=secret)["status"] == "ok"
    assert client.get("/api/me/listens", headers=bearer).status_code == 200
    assert client.get("/1/validate-token", headers=lb).json()["valid"] is True
    listed = json.loads(server.segue("token", "list", "--json").stdout)
    assert next(one for one in listed if one["id"] == brief["id"])["expires"] != "never"

    time.sleep(max(0, 10.2 - (time.monotonic() - made)))
    assert rest(apiKey=secret)["error"]["code"] == 44
    assert rest(u="admin", p=secret)["error"]["code"] == 40
    answer = client.get("/api/me/listens", headers=bearer)
    assert (answer.status_code, answer.json()["error"]["code"]) == (401, "unauthenticated")
    assert "expired" in answer.json()["error"]["message"]
    answer = client.post("/1/submit-listens", headers=lb, json={"listen_type": "single", "payload": []})
    assert (answer.status_code, answer.json()["code"]) == (401, 401)
    assert client.get("/1/validate-token", headers=lb).json()["valid"] is False
    answer = lastfm(method="user.getInfo", sk=session)
    assert (answer.status_code, answer.json()["error"]) == (403, 9)
    answer = lastfm(method="auth.getMobileSession", username="admin", password=secret)
    assert (answer.status_code, answer.json()["error"]) == (403, 4)
