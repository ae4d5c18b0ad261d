"""Accounts over a real database, with a clock the test holds."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from argon2 import PasswordHasher

from segue.access import Accounts
from segue.store import Database, DataDir, open_store
from segue.types import Instant


@dataclass
class HeldClock:
    at: int = 1_800_000_000_000

    def __call__(self) -> Instant:
        return Instant(self.at)

    def pass_s(self, seconds: float) -> None:
        self.at += int(seconds * 1000)


@pytest.fixture
def clock() -> HeldClock:
    return HeldClock()


@pytest.fixture
def data(tmp_path: Path) -> DataDir:
    return DataDir(tmp_path)


@pytest.fixture
def db(data: DataDir) -> Iterator[Database]:
    opened = open_store(data)
    yield opened
    opened.close()


@pytest.fixture
def accounts(db: Database, data: DataDir, clock: HeldClock) -> Accounts:
    """With passwords hashed cheaply: argon2id all the same."""
    return Accounts(db, data.secret, clock, hasher=PasswordHasher(time_cost=1, memory_cost=64, parallelism=1))


@pytest.fixture
def full_accounts(db: Database, data: DataDir, clock: HeldClock) -> Accounts:
    """With passwords hashed as the server does, where the cost is what is tested."""
    return Accounts(db, data.secret, clock)
