"""The laws of coming in: what holds for every name, secret, address and grant, at once and under attack."""

import ast
import hashlib
import sqlite3
import statistics
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import segue.access
from segue.access import Accounts
from segue.errors import AppPasswordNeeded, BadRequest, Conflict, NotFound, SegueError, Throttled, Unauthenticated
from segue.model import Listener
from segue.store import Database, DataDir, schema
from segue.types import TokenId, UserId

from .conftest import HeldClock

HOME = "192.0.2.1"


def md5(secret: str, salt: str) -> str:
    return hashlib.md5((secret + salt).encode()).hexdigest()


# -- users -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["", "   ", "x" * 65, "a\0b", "a\nb", "a\u202eb", "a\u200bb", "\ud800"])
def test_unfit_names_are_refused(accounts: Accounts, name: str) -> None:
    with pytest.raises(BadRequest):
        accounts.add_user(name, "long-enough")


@pytest.mark.parametrize("password", ["", "1234567", "x" * 1025])
def test_unfit_passwords_are_refused(accounts: Accounts, password: str) -> None:
    with pytest.raises(BadRequest):
        accounts.add_user("anna", password)


def test_names_are_one_whatever_their_case_and_form(accounts: Accounts) -> None:
    accounts.add_user("  Ánna ", "long-enough")
    for same in ("ÁNNA", "a\u0301nna", "Ánna"):
        with pytest.raises(Conflict):
            accounts.add_user(same, "long-enough")
    assert accounts.sign_in("a\u0301NNA", "long-enough", address=HOME).user.name == "Ánna"


def test_a_removed_user_leaves_nothing_behind(accounts: Accounts, db: Database) -> None:
    accounts.add_user("stays", "long-enough", admin=True)
    gone = accounts.add_user("gone", "long-enough")
    signed = accounts.sign_in("gone", "long-enough", address=HOME)
    _, secret = accounts.create_token(gone.id, "phone")
    with db.write() as connection:
        for table in schema.metadata.sorted_tables:
            if "user_id" in table.c and table.name not in ("session", "token"):
                connection.execute(table.insert().values(**_any_row(table, gone.id)))
        connection.execute(schema.playlist.insert().values(**_any_row(schema.playlist, gone.id) | {"library_id": None}))
    accounts.remove_user(gone.id)
    assert accounts.session(signed.cookie) is None
    with pytest.raises(Unauthenticated):
        accounts.authenticate_secret(secret, address=HOME)
    with db.read() as connection:
        for table in schema.metadata.sorted_tables:
            for column in table.c:
                if column.name in ("user_id", "owner_id"):
                    left = connection.execute(sa.select(sa.func.count()).select_from(table).where(column == gone.id)).scalar()
                    assert left == 0, f"{table.name}.{column.name}"


def _any_row(table: sa.Table, user_id: UserId) -> dict[str, Any]:
    values: dict[str, Any] = {}
    for column in table.c:
        if column.name in ("user_id", "owner_id"):
            values[column.name] = user_id
        elif not column.nullable or column.primary_key:
            values[column.name] = (
                b"1" if isinstance(column.type, sa.LargeBinary) else 1 if isinstance(column.type, sa.Integer | sa.Float) else "{}"
            )
    return values


def test_a_change_of_a_user_is_whole_or_not_at_all(accounts: Accounts) -> None:
    anna = accounts.add_user("anna", "first-password", admin=True)
    signed = accounts.sign_in("anna", "first-password", address=HOME)
    with pytest.raises(BadRequest):
        accounts.update_user(anna.id, name="renamed", password="short")
    with pytest.raises(Conflict):
        accounts.update_user(anna.id, password="second-password", admin=False)
    assert accounts.user(anna.id).name == "anna"
    assert accounts.session(signed.cookie) is not None
    accounts.update_user(anna.id, name="renamed", password="second-password")
    assert accounts.session(signed.cookie) is None
    assert accounts.sign_in("renamed", "second-password", address=HOME)
    with pytest.raises(NotFound):
        accounts.update_user(UserId("nobody"), name="x")


_PREFERENCES = st.sampled_from(["autoplay", "discovery", "replaygain", "crossfade_s", "max_bitrate_kbps", "theme", "other"])
_VALUES = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8) | st.sampled_from(["album", "dark", 0.5, 96])


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.dictionaries(_PREFERENCES, _VALUES, max_size=4))
def test_preferences_change_wholly_or_not_at_all(accounts: Accounts, changes: dict[str, Any]) -> None:
    anna = next((user for user in accounts.users()), None) or accounts.add_user("anna", "long-enough")
    before = accounts.preferences(anna.id)
    try:
        after = accounts.set_preferences(anna.id, changes)
    except BadRequest:
        after = before
    assert accounts.preferences(anna.id) == after
    assert 0 <= after.discovery <= 1
    assert 0 <= after.crossfade_s <= 12


def test_two_devices_change_different_preferences_at_once(accounts: Accounts) -> None:
    anna = accounts.add_user("anna", "long-enough")
    for _ in range(10):
        accounts.set_preferences(anna.id, {"autoplay": True, "theme": "system"})
        changes: list[dict[str, Any]] = [{"autoplay": False}, {"theme": "dark"}]
        threads = [threading.Thread(target=accounts.set_preferences, args=(anna.id, change)) for change in changes]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        held = accounts.preferences(anna.id)
        assert (held.autoplay, held.theme) == (False, "dark")


# -- signing in ------------------------------------------------------------------------------------------------------


def test_a_session_lives_while_used_up_to_a_year(accounts: Accounts, clock: HeldClock) -> None:
    accounts.add_user("anna", "long-enough")
    day = 86_400
    idle = accounts.sign_in("anna", "long-enough", address=HOME).cookie
    clock.pass_s(30 * day + 1)
    assert accounts.session(idle) is None
    used = accounts.sign_in("anna", "long-enough", address=HOME).cookie
    for _ in range(18):
        clock.pass_s(20 * day)
        assert accounts.session(used) is not None
    clock.pass_s(20 * day)
    assert accounts.session(used) is None, "a year is the end, however busy"


def test_signing_out_and_a_new_password_end_sessions_and_leave_apps(accounts: Accounts) -> None:
    anna = accounts.add_user("anna", "first-password")
    _, secret = accounts.create_token(anna.id, "phone")
    one, two, three = (accounts.sign_in("anna", "first-password", address=HOME).cookie for _ in range(3))
    accounts.sign_out(one)
    assert accounts.session(one) is None
    accounts.set_password(anna.id, "second-password", keep_session=two)
    assert accounts.session(two) is not None
    assert accounts.session(three) is None
    assert accounts.authenticate_secret(secret, address=HOME).user == anna
    with pytest.raises(Unauthenticated):
        accounts.sign_in("anna", "first-password", address=HOME)


def test_the_database_holds_no_password_cookie_or_secret(accounts: Accounts, data: DataDir, db: Database) -> None:
    anna = accounts.add_user("anna", "a-login-password")
    signed = accounts.sign_in("anna", "a-login-password", address=HOME)
    _, secret = accounts.create_token(anna.id, "phone")
    with sqlite3.connect(data.database) as connection:
        dump = "\n".join(connection.iterdump())
        rows = connection.execute("SELECT sealed FROM token UNION SELECT lookup FROM token UNION SELECT lookup FROM session")
        blobs = b"".join(bytes(row[0]) for row in rows)
    for kept in ("a-login-password", signed.cookie, secret):
        assert kept not in dump
        assert kept.encode() not in blobs
    assert "$argon2id$" in dump


def test_an_unknown_name_and_a_wrong_password_look_and_last_alike(full_accounts: Accounts, clock: HeldClock) -> None:
    full_accounts.add_user("anna", "long-enough")

    def attempt(name: str, number: int) -> tuple[str, float]:
        clock.pass_s(4000)
        started = time.perf_counter()
        with pytest.raises(Unauthenticated) as error:
            full_accounts.sign_in(name, "wrong-password", address=f"10.0.0.{number}")
        return str(error.value), time.perf_counter() - started

    pairs = [(attempt("anna", number), attempt("nobody", number)) for number in range(7)]
    known, unknown = zip(*pairs, strict=True)
    assert {text for text, _ in known} == {text for text, _ in unknown}
    ratio = statistics.median(spent for _, spent in known) / statistics.median(spent for _, spent in unknown)
    assert 0.4 < ratio < 2.5, f"{ratio:.2f}: without the decoy it is above 20"


def test_a_burst_of_guesses_does_not_slip_past_together(full_accounts: Accounts) -> None:
    full_accounts.add_user("anna", "long-enough")
    outcomes: list[str] = []

    def guess() -> None:
        try:
            full_accounts.sign_in("anna", "wrong-password", address=HOME)
        except SegueError as error:
            outcomes.append(type(error).__name__)

    threads = [threading.Thread(target=guess) for _ in range(40)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(outcomes) == 40
    assert outcomes.count("Unauthenticated") <= 6, "five are free, and one may be under way"
    assert set(outcomes) <= {"Unauthenticated", "Throttled", "Unavailable"}


def test_guessing_by_changing_the_password_is_the_same_guessing(accounts: Accounts) -> None:
    anna = accounts.add_user("anna", "long-enough")
    for _ in range(5):
        with pytest.raises(Unauthenticated):
            accounts.check_password(anna.id, "wrong-password", HOME)
    with pytest.raises(Throttled):
        accounts.check_password(anna.id, "long-enough", HOME)
    with pytest.raises(Throttled):
        accounts.sign_in("anna", "long-enough", address="198.51.100.1")


# -- apps ------------------------------------------------------------------------------------------------------------


def test_every_way_an_app_may_prove_itself(accounts: Accounts) -> None:
    anna = accounts.add_user("Anna", "long-enough")
    _, other = accounts.create_token(anna.id, "tablet")
    token, secret = accounts.create_token(anna.id, "phone")
    for listener in (
        accounts.authenticate_app("anna", password=secret, address=HOME),
        accounts.authenticate_app("ANNA", token=md5(secret, "salt"), salt="salt", address=HOME),
        accounts.authenticate_app("anna", token=md5(secret, "salt").upper(), salt="salt", address=HOME),
        accounts.authenticate_secret(secret, address=HOME),
    ):
        assert (listener.user.id, listener.token_id, listener.scopes) == (anna.id, token.id, frozenset({"read", "listen", "write"}))
    assert accounts.authenticate_app("anna", password=other, address=HOME).token_id != token.id


def test_the_login_password_never_serves_an_app_and_a_stranger_learns_nothing(accounts: Accounts, clock: HeldClock) -> None:
    anna = accounts.add_user("anna", "login-password")
    api, api_secret = accounts.create_token(anna.id, "script", kind="api")
    _, secret = accounts.create_token(anna.id, "phone")
    bert = accounts.add_user("bert", "login-password")
    _, of_bert = accounts.create_token(bert.id, "phone")
    said = set()
    for name, offered in [
        ("anna", {"password": "login-password"}),
        ("anna", {"token": md5("login-password", "s"), "salt": "s"}),
        ("anna", {"password": "wrong"}), ("anna", {"password": ""}), ("anna", {}), ("anna", {"password": of_bert}),
        ("anna", {"password": api_secret}),
        ("anna", {"token": md5(secret, "s"), "salt": "t"}), ("anna", {"token": "", "salt": ""}),
        ("anna", {"token": "\ud800é", "salt": "\ud800"}),
        ("nobody", {"password": "wrong"}), ("nobody", {"password": secret}), ("x" * 5000, {"password": "x" * 5000}),
    ]:  # fmt: skip
        clock.pass_s(4000)
        with pytest.raises(AppPasswordNeeded) as error:
            accounts.authenticate_app(name, address=HOME, **offered)
        said.add(str(error.value))
    [sentence] = said
    assert "Settings" in sentence
    assert "Connect an app" in sentence
    assert accounts.authenticate_secret(api_secret, address=HOME).token_id == api.id


def test_no_app_call_costs_a_password_hash(accounts: Accounts, monkeypatch: pytest.MonkeyPatch) -> None:
    anna = accounts.add_user("anna", "long-enough")
    _, secret = accounts.create_token(anna.id, "phone")

    class Refuses:
        def verify(self, *_: Any) -> None:
            raise AssertionError("argon2 for an app")

    monkeypatch.setattr(accounts, "_hasher", Refuses())
    accounts.authenticate_app("anna", password=secret, address=HOME)
    with pytest.raises(AppPasswordNeeded):
        accounts.authenticate_app("anna", password="long-enough", address=HOME)


def test_revoking_is_immediate_and_only_ones_own(accounts: Accounts) -> None:
    anna, bert = accounts.add_user("anna", "long-enough"), accounts.add_user("bert", "long-enough")
    token, secret = accounts.create_token(anna.id, "phone")
    with pytest.raises(NotFound):
        accounts.revoke(bert.id, token.id)
    accounts.authenticate_secret(secret, address=HOME)
    accounts.revoke(anna.id, token.id)
    with pytest.raises(Unauthenticated):
        accounts.authenticate_secret(secret, address=HOME)
    with pytest.raises(AppPasswordNeeded):
        accounts.authenticate_app("anna", password=secret, address=HOME)
    with pytest.raises(NotFound):
        accounts.revoke(anna.id, TokenId("nothing"))


def test_last_used_is_written_at_most_once_a_minute(accounts: Accounts, clock: HeldClock) -> None:
    anna = accounts.add_user("anna", "long-enough")
    _, secret = accounts.create_token(anna.id, "phone")
    seen = set()
    for _ in range(100):
        accounts.authenticate_secret(secret, address=HOME, client="app")
        clock.pass_s(1.3)
        seen.add(accounts.tokens(anna.id)[0].last_used_at)
    assert len(seen) == 3
    assert accounts.tokens(anna.id)[0].last_client == "app"


def test_scopes_and_their_number_are_checked(accounts: Accounts) -> None:
    anna, root = accounts.add_user("anna", "long-enough"), accounts.add_user("root", "long-enough", admin=True)
    assert accounts.create_token(anna.id, "x")[0].scopes == ("read", "listen", "write")
    assert accounts.create_token(anna.id, "x", scopes=("read",) * 1000)[0].scopes == ("read",)
    for scopes in (("admin",), ("*",), ("other",), ("read", "admin")):
        with pytest.raises(BadRequest):
            accounts.create_token(anna.id, "x", scopes=scopes)
    assert accounts.create_token(root.id, "x", scopes=("admin",))[0].scopes == ("admin",)
    with pytest.raises(BadRequest):
        accounts.create_token(anna.id, " \n\0 ")
    while len(accounts.tokens(anna.id)) < 100:
        accounts.create_token(anna.id, "x")
    with pytest.raises(BadRequest, match="100 tokens"):
        accounts.create_token(anna.id, "x")


def _calls(accounts: Accounts, secret: str) -> list[Callable[[str], Listener]]:
    return [
        lambda address: accounts.authenticate_secret(secret, address=address),
        lambda address: accounts.authenticate_app("anna", password=secret, address=address),
    ]


@pytest.mark.parametrize("way", [0, 1])
def test_strangers_do_not_lock_an_app_out(accounts: Accounts, clock: HeldClock, way: int) -> None:
    anna = accounts.add_user("anna", "long-enough")
    _, secret = accounts.create_token(anna.id, "phone")
    right, wrong = _calls(accounts, secret)[way], _calls(accounts, "wrong")[way]
    right(HOME)
    for number in range(300):
        with pytest.raises((Unauthenticated, Throttled)):
            wrong(f"203.0.113.{number % 250}" if number % 2 else "198.51.100.7")
    assert right(HOME).user == anna, "where it served before"
    with pytest.raises(Throttled):
        wrong("198.51.100.7")
    clock.pass_s(30)
    assert right("198.51.100.7").user == anna, "and after half a minute anywhere"


def test_bad_secrets_of_strangers_are_nothing_to_a_new_address(accounts: Accounts) -> None:
    anna = accounts.add_user("anna", "long-enough")
    _, secret = accounts.create_token(anna.id, "phone")
    for number in range(100):
        with pytest.raises((Unauthenticated, Throttled)):
            accounts.authenticate_secret("wrong", address=f"203.0.113.{number}")
    assert accounts.authenticate_secret(secret, address=HOME).user == anna


# -- grants ----------------------------------------------------------------------------------------------------------


def test_a_library_exists_for_everyone_or_for_those_named_admins_included(accounts: Accounts, db: Database) -> None:
    root, anna = accounts.add_user("root", "long-enough", admin=True), accounts.add_user("anna", "long-enough")
    with db.write() as connection:
        for id, everyone in ((1, 1), (2, 0), (3, 0)):
            connection.execute(schema.library.insert().values(id=id, name=str(id), path=f"/{id}", everyone=everyone, created_at=0))
        connection.execute(schema.library_grant.insert().values(library_id=2, user_id=anna.id))
    assert accounts.listener(anna).libraries == {1, 2}
    assert accounts.listener(root).libraries == {1}
    _, secret = accounts.create_token(anna.id, "phone")
    assert accounts.authenticate_secret(secret, address=HOME).libraries == {1, 2}
    with db.write() as connection:
        connection.execute(schema.library_grant.delete())
    assert accounts.authenticate_secret(secret, address=HOME).libraries == {1}, "at once"


# -- how it is written -----------------------------------------------------------------------------------------------


def test_no_secret_is_compared_with_an_equals_sign() -> None:
    """A plain comparison stops at the first difference, and its time tells where. SQL looks secrets up by a keyed hash."""
    secret_names = {"secret", "password", "token", "csrf", "cookie", "offered", "expected", "salt"}
    files = [*Path(segue.access.__file__).parent.glob("*.py"), Path(segue.access.__file__).parents[1] / "serve" / "http.py"]
    for file in files:
        for node in ast.walk(ast.parse(file.read_text())):
            if isinstance(node, ast.Compare) and any(isinstance(op, ast.Eq | ast.NotEq) for op in node.ops):
                for side in (node.left, *node.comparators):
                    name = side.id if isinstance(side, ast.Name) else side.attr if isinstance(side, ast.Attribute) else ""
                    assert name not in secret_names, f"{file.name}:{node.lineno}"
