"""What a holder may study to win points back, and why not."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from sqlalchemy.orm import Session

from training_app.calendar.rules import legal_day
from training_app.courses import queries as courses
from training_app.courses.queries import LessonPlace
from training_app.permits import fold_queries, ledger_queries
from training_app.permits.entry_rules import EntryKind, voided
from training_app.permits.fold_queries import PermitRecord
from training_app.permits.policy_queries import TariffOfDay, TariffRow, find_tariff
from training_app.permits.slip_queries import SlipRow
from training_app.permits.slip_rules import STUDY_ROUTE, SlipState


@dataclass(frozen=True, kw_only=True)
class Study:
    """What study can win now: `reward` None where the tariff knows none; `lessons` empty where nothing fits.

    `running`: the slip that is open. `from_on`: the first day on which another reward can count, None for today.
    """

    reward: TariffRow | None
    lessons: Sequence[LessonPlace]
    running: SlipRow | None
    from_on: date | None

    @property
    def may_begin(self) -> bool:
        """Tell whether a lesson can be chosen now."""
        return self.reward is not None and bool(self.lessons) and self.running is None and self.from_on is None


def study(session: Session, record: PermitRecord, now: datetime, slips: Sequence[SlipRow]) -> Study:
    """Return what a holder may study to win points back."""
    on = legal_day(now, record.zone)
    tariff = find_tariff(session, record.follows.tariff_key, on)
    return Study(
        reward=study_reward(tariff),
        lessons=_lessons(session, record, tariff, now),
        running=next((one for one in slips if one.slip.is_study and one.state is SlipState.OPEN), None),
        from_on=next_reward_on(session, record, now),
    )


def study_reward(tariff: TariffOfDay | None) -> TariffRow | None:
    """Return what a tariff gives for study, None where it knows no such reward."""
    merits = tariff.merits.values() if tariff else ()
    return next((row for row in merits if row.route == STUDY_ROUTE), None)


def next_reward_on(session: Session, record: PermitRecord, now: datetime) -> date | None:
    """Return the first day that lies far enough from the last reward, None where today does."""
    days = record.policy.merit.minimum_gap_days
    if not days:
        return None
    entries = fold_queries.entries(session, record.person_id)
    gone = voided(entries, now)
    rewarded = [
        legal_day(one.effective_at, record.zone)
        for one in entries
        if one.kind is EntryKind.MERIT and one.idem not in gone
    ]
    first = max(rewarded, default=date.min) + timedelta(days=days) if rewarded else date.min
    return first if first > legal_day(now, record.zone) else None


def _lessons(session: Session, record: PermitRecord, tariff: TariffOfDay | None, now: datetime) -> list[LessonPlace]:
    """Return the lessons of the breaches whose points stand and can be won back, oldest breach first."""
    ledger = ledger_queries.get_state(session, record, now)
    if tariff is None or not ledger.can_win_back:
        return []
    codes = {line.entry.idem: line.entry.code for line in ledger.fold.lines}
    standing = [codes[idem] for idem in ledger.fold.standing if codes[idem] not in record.policy.merit.exclusions]
    named = [tariff.codes[code].lesson for code in standing if code in tariff.codes]
    places = courses.lesson_places(session, legal_day(now, record.zone))
    return [places[key] for key in dict.fromkeys(named) if key in places]
