"""Accounts, sessions and app passwords, with a clock of our own."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from segue.access import Accounts
from segue.access._throttle import FREE, LONGEST_S, Throttle
from segue.errors import AppPasswordNeeded, BadRequest, ConfigError, Conflict, NotFound, Throttled, Unauthenticated
from segue.store import DataDir, open_store
from segue.types import Instant

DAY = 86_400_000


class Clock:
    def __init__(self) -> None:
        self.at = 1_700_000_000_000

    def __call__(self) -> Instant:
        return Instant(self.at)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def accounts(tmp_path: Path, clock: Clock) -> Iterator[Accounts]:
    with DataDir(tmp_path / "data") as data:
        db = open_store(data)
        yield Accounts(db, data.secret, clock)
        db.close()


def test_passwords_are_argon2id_and_secrets_unreadable_at_rest(accounts: Accounts, tmp_path: Path) -> None:
    user = accounts.add_user("anna", "a good password")
    _, secret = accounts.create_token(user.id, "phone")
    signed = accounts.sign_in("anna", "a good password", address="1.1.1.1")
    accounts._db.checkpoint()
    stored = b"".join(path.read_bytes() for path in (tmp_path / "data").glob("segue.db*"))
    assert b"$argon2id$" in stored
    for text in ("a good password", secret, signed.cookie):
        assert text.encode() not in stored
    assert (tmp_path / "data" / "secret.key").stat().st_mode & 0o077 == 0


def test_names_are_one_whatever_their_case(accounts: Accounts) -> None:
    accounts.add_user("Ａnna", "a good password")  # a full-width A
    with pytest.raises(Conflict):
        accounts.add_user("ANNA", "a good password")
    for name in ("", " ", "a" * 65, "a\nb"):
        with pytest.raises(BadRequest):
            accounts.add_user(name, "a good password")
    with pytest.raises(BadRequest):
        accounts.add_user("ben", "short")


def test_the_first_admin_is_made_once_and_the_last_is_kept(accounts: Accounts) -> None:
    made = accounts.create_first_admin()
    assert made
    assert accounts.create_first_admin() is None
    admin = accounts.sign_in(*made, address="1.1.1.1").user
    for act in (lambda: accounts.remove_user(admin.id), lambda: accounts.update_user(admin.id, admin=False)):
        with pytest.raises(Conflict):
            act()
    accounts.add_user("second", "a good password", admin=True)
    accounts.remove_user(admin.id)
    with pytest.raises(NotFound):
        accounts.user(admin.id)


def test_sessions_end_by_time_by_sign_out_and_by_a_new_password(accounts: Accounts, clock: Clock) -> None:
    user = accounts.add_user("anna", "a good password")
    one, two = (accounts.sign_in("anna", "a good password", address="1.1.1.1") for _ in range(2))
    assert accounts.session(one.cookie)
    accounts.set_password(user.id, "another password", keep_session=one.cookie)
    assert accounts.session(one.cookie)
    assert accounts.session(two.cookie) is None
    for _ in range(20):  # used now and then, it lives; but not beyond a year
        clock.at += 20 * DAY
        if accounts.session(one.cookie) is None:
            break
    assert 360 * DAY < clock.at - 1_700_000_000_000 < 400 * DAY
    three = accounts.sign_in("anna", "another password", address="1.1.1.1")
    accounts.sign_out(three.cookie)
    assert accounts.session(three.cookie) is None
    four = accounts.sign_in("anna", "another password", address="1.1.1.1")
    clock.at += 31 * DAY
    assert accounts.session(four.cookie) is None


def test_app_passwords_serve_apps_and_login_passwords_do_not(accounts: Accounts) -> None:
    user = accounts.add_user("anna", "a good password")
    token, secret = accounts.create_token(user.id, "phone")
    _, other = accounts.create_token(user.id, "program", kind="api")
    assert accounts.authenticate_app("ANNA", password=secret, address="1.1.1.1").user.id == user.id
    assert accounts.authenticate_secret(other, address="1.1.1.1").user.id == user.id
    for wrong in ("a good password", other, secret[:-1], "", "\ud800"):
        with pytest.raises(AppPasswordNeeded, match="app password"):
            accounts.authenticate_app("anna", password=wrong, address="2.2.2.2")
    with pytest.raises(AppPasswordNeeded):
        accounts.authenticate_app("nobody", password=secret, address="3.3.3.3")
    accounts.revoke(user.id, token.id)
    with pytest.raises(Unauthenticated):
        accounts.authenticate_secret(secret, address="4.4.4.4")


def test_another_key_opens_nothing(accounts: Accounts, tmp_path: Path) -> None:
    user = accounts.add_user("anna", "a good password")
    _, secret = accounts.create_token(user.id, "phone")
    stranger = Accounts(accounts._db, tmp_path / "other.key")
    with pytest.raises(AppPasswordNeeded):
        stranger.authenticate_app("anna", password=secret, address="1.1.1.1")
    (tmp_path / "bad.key").write_bytes(b"short")
    with pytest.raises(ConfigError):
        Accounts(accounts._db, tmp_path / "bad.key")


def test_preferences_are_checked(accounts: Accounts) -> None:
    user = accounts.add_user("anna", "a good password")
    assert accounts.set_preferences(user.id, {"crossfade_s": 4, "theme": "dark"}).crossfade_s == 4
    assert accounts.preferences(user.id).theme == "dark"
    for bad in ({"crossfade_s": 13}, {"discovery": -1}, {"theme": "pink"}, {"nonsense": 1}, {"max_bitrate_kbps": 1}):
        with pytest.raises(BadRequest):
            accounts.set_preferences(user.id, bad)
    assert accounts.preferences(user.id).crossfade_s == 4


def test_guesses_are_slowed_and_the_owner_is_not_locked_out(clock: Clock) -> None:
    throttle = Throttle(clock)
    throttle.succeeded("anna", "home")
    for number in range(FREE + 4):
        throttle.failed("anna", f"evil {number}")
    with pytest.raises(Throttled):
        throttle.check("anna", "evil again")
    throttle.check("anna", "home")
    throttle.check("ben", "elsewhere")
    clock.at += int(LONGEST_S * 1000) + 1
    throttle.check("anna", "evil again")


@given(st.lists(st.integers(0, 600_000), max_size=40))
def test_no_wait_is_longer_than_stated(waits: list[int]) -> None:
    clock = Clock()
    throttle = Throttle(clock)
    for wait in waits:
        throttle.failed("anna", "there")
        try:
            throttle.check("anna", "there")
        except Throttled as throttled:
            assert 0 < throttled.retry_after_s <= LONGEST_S  # noqa: PT017
        clock.at += wait
    clock.at += int(LONGEST_S * 1000) + 1
    throttle.check("anna", "there")
