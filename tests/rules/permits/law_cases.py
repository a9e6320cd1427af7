"""The laws of six countries as policies: fixtures that show what one engine can express, none of them shipped."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from training_app.calendar.rules import day_start
from training_app.permits.due_rules import KnownSanction, Proposal, due, served_of
from training_app.permits.entry_rules import Entry, EntryKind
from training_app.permits.ledger_rules import Fold, fold
from training_app.permits.policy_body_rules import read_policy
from training_app.permits.policy_rules import Policy

LAWS = ("china", "germany", "united_kingdom", "new_south_wales", "italy", "japan")
ANCHOR = date(2016, 3, 1)


@cache
def law(name: str) -> Policy:
    """Return the policy of a country."""
    path = Path(__file__).parent / "laws" / f"{name}.yaml"
    return read_policy(yaml.safe_load(path.read_text(encoding="utf-8")))


class Record:
    """What one driver did and what was imposed, by days of the law's own zone (noon)."""

    def __init__(self, policy: Policy, anchor: date = ANCHOR) -> None:
        self.policy = policy
        self.anchor = anchor
        self.entries: list[Entry] = []
        self.sanctions: list[KnownSanction] = []

    def at(self, day: str) -> datetime:
        """Return noon of a day."""
        return day_start(date.fromisoformat(day), self.policy.zone) + timedelta(hours=12)

    def breach(self, idem: str, points: int, day: str, *, final: str | None = None, **more: Any) -> None:
        """Add a breach that occurred on a day and became final on the same or a later one."""
        exists = self.at(final or day)
        self.entries.append(
            Entry(
                idem=idem, kind=EntryKind.DEMERIT, points=points, effective_at=self.at(day), exists_at=exists,
                recorded_at=exists, **more,
            )
        )  # fmt: skip

    def merit(self, idem: str, points: int, day: str) -> None:
        """Add points that were won back on a day."""
        at = self.at(day)
        self.entries.append(
            Entry(idem=idem, kind=EntryKind.MERIT, points=points, effective_at=at, exists_at=at, recorded_at=at)
        )

    def clear(self, day: str, refs: tuple[str, ...]) -> None:
        """Add the clear that a measure brings with it."""
        at = self.at(day)
        self.entries.append(
            Entry(
                idem=f"clear@{day}", kind=EntryKind.CLEAR, points=0, effective_at=at, exists_at=at, recorded_at=at,
                refs=refs,
            )
        )  # fmt: skip

    def fold(self, day: str) -> Fold:
        """Return the fold as of noon of a day."""
        served = served_of(self.sanctions)
        return fold(self.entries, self.policy, anchor_on=self.anchor, as_of=self.at(day), served=served)

    def due(self, day: str) -> tuple[Proposal, ...]:
        """Return what is due on a day and was not proposed."""
        return due(self.entries, self.policy, anchor_on=self.anchor, as_of=self.at(day), sanctions=self.sanctions)

    def serve(self, proposal: Proposal, day: str) -> None:
        """Let a proposal be decided, confirmed and served on a day."""
        self.sanctions.append(
            KnownSanction(
                cause=proposal.cause, entries=proposal.entries, stage=proposal.stage, sanction=proposal.sanction,
                served_at=self.at(day),
            )
        )  # fmt: skip
