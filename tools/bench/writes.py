"""Writes through the server: autosave, hand-in, sign-in, each against a bare endpoint that commits one row."""

from __future__ import annotations

from collections.abc import Iterator
from urllib.parse import urlencode

from tools.bench import load, report, stage
from tools.bench.pages import HELLO
from tools.bench.report import Goal, Line
from tools.bench.sizes import Sizes
from tools.bench.stage import Sitter, Stage

ROW = load.Request("/bench/row/", body="one answer, as many bytes as an autosave may have", expects=204)
HASH = load.Request("/bench/row/hash", expects=204)


def autosave(made: Stage, sitters: list[Sitter], sizes: Sizes) -> Iterator[Line]:
    """Save one answer again and again, each connection on a paper of its own, as its page does."""
    requests = [[stage.save(one)] for one in sitters]
    numbers = [10] * len(requests)
    hello, bare, tails = [], [], []
    for turn in range(sizes.rounds + 1):
        word = load.send(made.port, [[HELLO]] * len(requests), seconds=sizes.seconds / 2)
        row = load.send(made.port, [[ROW]] * len(requests), seconds=sizes.seconds / 2)
        saved = load.send(made.port, requests, seconds=sizes.seconds, numbers=numbers)
        numbers = list(saved.numbers)
        if turn:  # the first round warms up
            hello.append((saved.per_second, word.per_second))
            bare.append((saved.per_second, row.per_second))
            tails.append((saved.p99, saved.p50))
    yield report.speed("answer autosave", "Flask hello", hello, Goal(least=0.12))
    yield report.speed("answer autosave", "bare endpoint, one row committed", bare, Goal(least=0.5))
    yield report.time("answer autosave, p99", "its own p50", tails, Goal(most=4))


def hand_in(made: Stage, rounds: list[list[Sitter]], sizes: Sizes) -> Iterator[Line]:
    """Hand in and score full papers, once each, on all connections."""
    pairs = []
    for sitters in rounds:
        row = load.send(made.port, [[ROW]] * sizes.connections, seconds=sizes.seconds / 2)
        lines = [
            [stage.hand_in(one) for one in sitters[start :: sizes.connections]]
            for start in range(min(sizes.connections, len(sitters)))
        ]
        pairs.append((load.send(made.port, lines, seconds=0, is_once=True).per_second, row.per_second))
    yield report.speed("hand in and score", "bare endpoint, one row committed", pairs, Goal(least=0.3))


def sign_in(made: Stage, numbers: list[str], sizes: Sizes) -> Iterator[Line]:
    """Sign in by the form; one check of a password hash is most of it."""
    lines = []
    for number in numbers:
        guest = stage.browser(made)
        body = urlencode({"csrf_token": guest.csrf, "number": number, "password": stage.PASSWORD})
        kind = {"Content-Type": "application/x-www-form-urlencoded"}
        lines.append([load.Request("/sign-in", guest.cookie, body, kind, expects=302)])
    pairs = []
    for turn in range(sizes.rounds + 1):
        checked = load.send(made.port, [[HASH]] * len(lines), seconds=sizes.seconds)
        signed = load.send(made.port, lines, seconds=sizes.seconds)
        if turn:
            pairs.append((signed.per_second, checked.per_second))
    yield report.speed("sign-in", "endpoint that checks one hash", pairs, Goal())
