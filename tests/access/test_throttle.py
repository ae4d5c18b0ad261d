"""Guesses are slowed, owners are not locked out: the laws of the throttle, under a clock the test holds."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from segue.access._throttle import FREE, MOST, Throttle
from segue.errors import Throttled

from .conftest import HeldClock


def waits(throttle: Throttle, account: str, address: str) -> float:
    try:
        throttle.check(account, address)
    except Throttled as error:
        return error.retry_after_s
    return 0.0


def fail(throttle: Throttle, times: int, account: str = "anna", address: str = "192.0.2.1") -> None:
    for _ in range(times):
        throttle.failed(account, address)


def test_typing_errors_are_free_then_each_wait_doubles_up_to_the_bound(clock: HeldClock) -> None:
    throttle = Throttle(clock)
    fail(throttle, FREE - 1)
    assert waits(throttle, "anna", "192.0.2.1") == 0
    seen = []
    for _ in range(12):
        fail(throttle, 1)
        seen.append(waits(throttle, "anna", "192.0.2.1"))
        clock.pass_s(seen[-1])
        assert waits(throttle, "anna", "192.0.2.1") == 0, "nobody waits longer than was said"
    assert seen == [1, 2, 4, 8, 16, 32, 64, 128, 256, 300, 300, 300]


def test_counts_are_kept_per_account_and_per_address(clock: HeldClock) -> None:
    throttle = Throttle(clock)
    fail(throttle, FREE)
    assert waits(throttle, "anna", "198.51.100.1") > 0, "the account, from wherever"
    assert waits(throttle, "bert", "192.0.2.1") > 0, "the address, whomever it tries"
    assert waits(throttle, "bert", "198.51.100.1") == 0


def test_where_the_owner_was_before_others_cannot_keep_them_out(clock: HeldClock) -> None:
    throttle = Throttle(clock)
    throttle.succeeded("anna", "192.0.2.1")
    for stranger in range(100):
        throttle.failed("anna", f"203.0.113.{stranger}")  # a crowd tries the account
    fail(throttle, 100, account="bert")  # someone else at the owner's address tries another
    assert waits(throttle, "anna", "192.0.2.1") == 0
    assert waits(throttle, "anna", "198.51.100.1") > 0


def test_signing_in_as_oneself_buys_no_guesses_at_a_housemate(clock: HeldClock) -> None:
    throttle = Throttle(clock)
    throttle.succeeded("anna", "192.0.2.1")
    guesses = 0
    while not waits(throttle, "anna", "192.0.2.1"):
        throttle.failed("anna", "192.0.2.1")
        throttle.succeeded("mallory", "192.0.2.1")
        guesses += 1
        assert guesses <= FREE
    assert guesses == FREE


def test_proving_oneself_forgives_ones_own_failures_only(clock: HeldClock) -> None:
    throttle = Throttle(clock)
    fail(throttle, FREE)
    throttle.failed("anna", "203.0.113.9")
    throttle.succeeded("anna", "192.0.2.1")
    assert waits(throttle, "anna", "198.51.100.1") == 0, "one failure of a stranger is left"
    for _ in range(FREE - 1):
        throttle.failed("anna", "203.0.113.9")
    assert waits(throttle, "anna", "198.51.100.1") > 0


def test_an_hour_forgets_and_so_does_a_clock_set_back(clock: HeldClock) -> None:
    throttle = Throttle(clock)
    fail(throttle, 50)
    clock.pass_s(3601)
    assert waits(throttle, "anna", "192.0.2.1") == 0
    fail(throttle, 50)
    clock.pass_s(-10)
    assert waits(throttle, "anna", "192.0.2.1") == 0


def test_ten_thousand_failures_are_a_wait_and_no_error(clock: HeldClock) -> None:
    throttle = Throttle(clock)
    fail(throttle, 10_000)
    assert waits(throttle, "anna", "192.0.2.1") == 300


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("2001:db8:1:2::1", "2001:db8:1:2:ffff::9", True),
        ("2001:db8:1:2::1", "2001:db8:1:3::1", False),
        ("::ffff:192.0.2.1", "192.0.2.1", True),
        ("fe80::1%eth0", "fe80::2%eth1", True),
        ("192.0.2.1", "192.0.2.2", False),
        ("unknown", "unknown", True),
    ],
)
def test_a_network_of_64_bits_is_one_address(clock: HeldClock, one: str, other: str, same: bool) -> None:
    throttle = Throttle(clock)
    fail(throttle, FREE, address=one)
    assert (waits(throttle, "bert", other) > 0) is same


def test_the_memory_is_bounded(clock: HeldClock) -> None:
    throttle = Throttle(clock)
    for number in range(MOST):
        throttle.failed(f"name{number}", f"10.{number >> 16}.{number >> 8 & 255}.{number & 255}")
        throttle.succeeded(f"other{number}", f"11.{number >> 16}.{number >> 8 & 255}.{number & 255}")
    assert len(throttle._failures) <= MOST
    assert len(throttle._proven) <= MOST


@settings(max_examples=200, deadline=None)
@given(
    st.lists(
        st.tuples(st.sampled_from(["check", "failed", "succeeded", "wait"]), st.sampled_from("abc"), st.sampled_from("xyz")), max_size=60
    )
)
def test_no_order_of_events_makes_anyone_wait_longer_than_the_bound(steps: list[tuple[str, str, str]]) -> None:
    clock = HeldClock()
    throttle = Throttle(clock, longest_s=30)
    for act, account, address in steps:
        if act == "wait":
            clock.pass_s(7)
        elif act == "check":
            assert 0 <= waits(throttle, account, address) <= 30
        else:
            getattr(throttle, act)(account, address)
    clock.pass_s(30)
    assert all(waits(throttle, account, address) == 0 for account in "abc" for address in "xyz")
