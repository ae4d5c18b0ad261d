"""Sessions and approvals of Last.fm apps, with a clock the test holds."""

import pytest
import sqlalchemy as sa

from segue.access import Accounts, NotApproved
from segue.errors import BadRequest, NotFound, Unauthenticated, Unavailable
from segue.store import Database, schema

from .conftest import HeldClock

HOME = "10.0.0.1"


def test_a_request_waits_for_an_hour_and_serves_once(accounts: Accounts, clock: HeldClock) -> None:
    anna = accounts.add_user("anna", "long password")
    app, _ = accounts.lastfm.add_app("Desk")
    late = accounts.lastfm.ask(app.api_key)
    clock.pass_s(3601)
    with pytest.raises(NotFound):
        accounts.lastfm.approve(late, app.api_key, anna.id)
    token = accounts.lastfm.ask(app.api_key)
    with pytest.raises(NotApproved):
        accounts.lastfm.redeem(token, app.api_key, HOME)
    with pytest.raises(NotFound):
        accounts.lastfm.approve(token, "another", anna.id)
    accounts.lastfm.approve(token, app.api_key, anna.id)
    with pytest.raises(NotFound):
        accounts.lastfm.approve(token, app.api_key, anna.id)
    listener, key = accounts.lastfm.redeem(token, app.api_key, HOME)
    assert (listener.user.id, listener.scopes) == (anna.id, {"read", "listen"})
    assert accounts.lastfm.listener(key, app.api_key, address=HOME).user.id == anna.id
    with pytest.raises(Unauthenticated):
        accounts.lastfm.redeem(token, app.api_key, HOME)
    [made] = accounts.tokens(anna.id)
    assert made.name == "Desk"
    accounts.revoke(anna.id, made.id)
    with pytest.raises(Unauthenticated):
        accounts.lastfm.listener(key, app.api_key, address=HOME)


def test_a_password_revoked_before_the_session_was_fetched_gives_none(accounts: Accounts) -> None:
    anna = accounts.add_user("anna", "long password")
    app, _ = accounts.lastfm.add_app("Desk")
    token = accounts.lastfm.ask(app.api_key)
    accounts.lastfm.approve(token, app.api_key, anna.id)
    accounts.revoke(anna.id, accounts.tokens(anna.id)[0].id)
    with pytest.raises(Unauthenticated):
        accounts.lastfm.redeem(token, app.api_key, HOME)


def test_the_latest_fifty_sessions_of_an_app_password_stay(accounts: Accounts, db: Database, clock: HeldClock) -> None:
    anna = accounts.add_user("anna", "long password")
    _, secret = accounts.create_token(anna.id, "phone")
    listener = accounts.authenticate_secret(secret, address=HOME)
    keys = []
    for _ in range(53):
        keys.append(accounts.lastfm.open_session(listener, "app"))
        clock.pass_s(-1)  # the clock does not matter
    with db.read() as connection:
        assert connection.execute(sa.select(sa.func.count()).select_from(schema.lastfm_session)).scalar() == 50
    for key in keys[3:]:
        assert accounts.lastfm.listener(key, "app", address=HOME).user.id == anna.id
    with pytest.raises(Unauthenticated):
        accounts.lastfm.listener(keys[2], "app", address=HOME)


def test_bounds(accounts: Accounts) -> None:
    with pytest.raises(BadRequest):
        accounts.lastfm.add_app(" \x00 ")
    for _ in range(100):
        app, _ = accounts.lastfm.add_app("x" * 100)
    assert len(app.name) == 64
    with pytest.raises(BadRequest):
        accounts.lastfm.add_app("one more")
    for _ in range(1000):
        accounts.lastfm.ask(app.api_key)
    with pytest.raises(Unavailable):
        accounts.lastfm.ask(app.api_key)
