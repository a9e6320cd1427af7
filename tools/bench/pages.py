"""Pages against a Flask "hello" on the same server: each round measures the yardstick and every page once."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import sqlalchemy as sa

from tools.bench import load, report
from tools.bench.report import Goal, Line
from tools.bench.sizes import Sizes
from tools.bench.stage import Browser, Sitter, Stage, browser, hire
from training_app import chain
from training_app.db import db
from training_app.permits.models import Permit

HELLO = load.Request("/bench/hello/")


@dataclass(frozen=True)
class Page:
    """A page to measure, and what it should come to."""

    job: str
    request: load.Request
    goal: Goal
    few: int = 0  # so many requests a round: of a page that takes seconds, or that the product throttles


def pages(made: Stage, sitter: Sitter, holder_id: int, learner: Browser) -> list[Page]:
    """Return the pages that are measured."""
    course = chain.asked_courses(made.now)[0]
    code = db.session.scalars(sa.select(Permit.door_code).where(Permit.person_id == holder_id)).one()
    db.session.rollback()
    hr = browser(made, hire(made, "hq", ("hr",)))
    one_unit = browser(made, hire(made, "crowd_centre", ("hr",)))
    paper = load.Request(f"/attempts/{sitter.public_id}", sitter.browser.cookie)
    return [
        Page("home page of a learner", load.Request("/", learner.cookie), Goal(least=0.15)),
        Page("course page", load.Request(f"/courses/{course}", learner.cookie), Goal(least=0.15)),
        Page("exam page, whole paper", paper, Goal(least=0.12)),
        Page("people of a centre, page of 50", load.Request("/people", one_unit.cookie), Goal(least=0.15)),
        Page("people of the whole network, page of 50", load.Request("/people", hr.cookie), Goal(least=0.15), few=1),
        Page("door page", load.Request(f"/d/{code}"), Goal(), few=5),
    ]  # fmt: skip


def measure(made: Stage, wanted: list[Page], sizes: Sizes) -> Iterator[Line]:
    """Measure every page in every round, the yardstick right before it."""
    pairs: dict[str, list[tuple[float, float]]] = {page.job: [] for page in wanted}
    for page in [Page("", HELLO, Goal()), *wanted]:  # everything is compiled and cached once
        _speed(made, page, min(0.5, sizes.seconds), sizes.connections)
    for _ in range(sizes.rounds):
        for page in wanted:
            hello = load.page(made.port, HELLO, sizes.seconds / 2, sizes.connections).per_second
            pairs[page.job].append((_speed(made, page, sizes.seconds, sizes.connections), hello))
    for page in wanted:
        yield report.speed(page.job, "Flask hello", pairs[page.job], page.goal)


def _speed(made: Stage, page: Page, seconds: float, connections: int) -> float:
    if page.few:  # by two readers at once
        return load.send(made.port, [[page.request] * page.few] * 2, seconds=0, is_once=True).per_second
    return load.page(made.port, page.request, seconds, connections).per_second
