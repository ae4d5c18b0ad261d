"""The server's key: made whole, kept private, and useless to whoever has only the database."""

import os
import re
import stat
import threading
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from segue.access._secrets import Vault, new_secret
from segue.errors import ConfigError


def test_the_key_is_for_its_owner_alone_and_leaves_no_draft(tmp_path: Path) -> None:
    Vault(tmp_path / "key")
    assert stat.S_IMODE((tmp_path / "key").stat().st_mode) == 0o600
    assert os.listdir(tmp_path) == ["key"]


def test_a_key_that_others_could_read_is_closed_to_them(tmp_path: Path) -> None:
    Vault(tmp_path / "key")
    (tmp_path / "key").chmod(0o644)
    Vault(tmp_path / "key")
    assert stat.S_IMODE((tmp_path / "key").stat().st_mode) == 0o600


def test_many_makers_agree_on_one_key(tmp_path: Path) -> None:
    found: list[bytes] = []
    threads = [threading.Thread(target=lambda: found.append(Vault(tmp_path / "key").lookup("x"))) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 8
    assert len(set(found)) == 1


@pytest.mark.parametrize("content", [b"", b"short", b"x" * 33])
def test_a_key_that_is_none_is_said_so(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "key").write_bytes(content)
    with pytest.raises(ConfigError, match="not a key"):
        Vault(tmp_path / "key")


@settings(max_examples=50, deadline=None)
@given(text=st.text(max_size=100), owner=st.text(max_size=30), other=st.text(max_size=30))
def test_only_the_same_key_and_owner_open_it(tmp_path_factory: pytest.TempPathFactory, text: str, owner: str, other: str) -> None:
    folder = tmp_path_factory.mktemp("keys")
    vault, stranger = Vault(folder / "one"), Vault(folder / "two")
    sealed = vault.seal(text, owner)
    assert vault.open(sealed, owner) == text
    assert stranger.open(sealed, owner) is None
    assert (vault.open(sealed, other) == text) is (other == owner)
    assert vault.open(bytes([sealed[0] ^ 1]) + sealed[1:], owner) is None
    assert vault.lookup(text) != stranger.lookup(text)
    assert vault.seal(text, owner) != sealed, "a nonce serves once"


def test_a_secret_fits_a_query_string_and_a_small_box() -> None:
    seen = {new_secret("seg") for _ in range(1000)}
    assert len(seen) == 1000
    assert all(re.fullmatch(r"seg[0-9A-Za-z]{32}", one) for one in seen)
