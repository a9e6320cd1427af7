"""What a holder's ledger comes to, with everything a page explains: points left, when they return, standing."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime

import sqlalchemy as sa
from sqlalchemy.orm import Session

from training_app.calendar.rules import add_months, legal_day
from training_app.content import queries as content
from training_app.permits import clock_queries, fold_queries, slip_queries
from training_app.permits.case_rules import CaseState
from training_app.permits.due_rules import KnownSanction, due, served_of
from training_app.permits.entry_rules import CorrectiveTask, Entry, EntryKind, voided, was_atoned
from training_app.permits.fold_queries import CaseFile, PermitRecord
from training_app.permits.ledger_rules import Fold, fold
from training_app.permits.models import LedgerEntry, PermitCase
from training_app.permits.number_rules import clear_key, earlier_keys, entry_key
from training_app.permits.policy_queries import TARIFF
from training_app.permits.policy_rules import Carry, SanctionKind
from training_app.permits.slip_rules import lapsed_slip, tasks_by
from training_app.permits.standing_rules import CLEAN_MONTHS, Standing, standing, standing_changes_at
from training_app.permits.walk_rules import EntryStatus, ServedSanction


@dataclass(frozen=True, kw_only=True)
class LedgerState:
    """The ledger of a permit at an instant. `total`: points deducted now; `left` = limit - total, never below 0.

    `returns_at`: when the points of this window go, None while none are deducted; `returning`: how many go then.
    `stage`: the highest total at which a measure was reached in this window, 0 for none. `merit_cap`: how many points
    may be won back in a window (None: no bound), `merits_used` how many were.
    """

    permit_id: int
    limit: int
    total: int
    left: int
    stage: int
    is_warned: bool
    standing: Standing | None
    returns_at: datetime | None
    returning: int
    merits_used: int
    merit_cap: int | None
    next_change_at: datetime | None
    fold: Fold

    @property
    def can_win_back(self) -> int:
        """How many points a reward could take off now."""
        if self.total >= self.limit:
            return 0
        cap_left = self.total if self.merit_cap is None else self.merit_cap - self.merits_used
        return max(0, min(self.total, cap_left))


@dataclass(frozen=True, kw_only=True)
class LedgerLine:
    """One line of the ledger as a page shows it, newest first; `title` is that of its code."""

    at: datetime
    kind: EntryKind
    status: EntryStatus
    points: int
    counted: int
    code: str
    title: Mapping[str, str]
    case_id: int | None
    case_number: str | None


@dataclass(frozen=True, kw_only=True)
class Effect:
    """What the ledger would come to after a decision: nothing of it is written."""

    points: int
    total: int
    left: int
    limit: int
    sanctions: tuple[SanctionKind, ...]


def ledger_state(
    session: Session, person_id: int, now: datetime, *, record: PermitRecord | None = None
) -> LedgerState | None:
    """Return what the ledger of a person comes to now, None before the first permit."""
    record = record or fold_queries.find_permit(session, person_id, now)
    return None if record is None else get_state(session, record, now)


def get_state(session: Session, record: PermitRecord, now: datetime) -> LedgerState:
    """Return what the ledger of a permit comes to now."""
    tasks = tasks_of(session, record, now)
    served = _served(session, record, now)
    return state_of(record, ledger(session, record.person_id, now), now, served=served, tasks=tasks)


def tasks_of(session: Session, record: PermitRecord, now: datetime) -> list[CorrectiveTask]:
    """Return the corrective tasks of a holder as of an instant, where the policy carries what is unresolved.

    Those too of cases that time has made final and whose slip nobody has written down yet.
    """
    if record.policy.carry is not Carry.UNRESOLVED:
        return []
    slips = [one for one in slip_queries.given(session, record.person_id) if one.given_at <= now]
    slips += [
        lapsed_slip(case.case_id, case.state, case.person_id, case.breach.lesson)
        for case in clock_queries.lapsed_of(session, record.person_id, now)
        if case.breach.lesson is not None
    ]
    if not slips:
        return []
    read = slip_queries.readings(session, record.person_id)
    return tasks_by(slips, {key: [at for at in found if at <= now] for key, found in read.items()})


def _served(session: Session, record: PermitRecord, now: datetime) -> list[ServedSanction]:
    """Return the sanctions that were served and stand, where the policy looks at them."""
    if not record.policy.looks_at_served:
        return []
    return served_of(one.state.as_known() for one in fold_queries.sanctions_of(session, record.person_id, now))


def ledger(session: Session, person_id: int, now: datetime) -> list[Entry]:
    """Return the entries of a person as they stand now: those of cases too that time has just made final.

    The sweeper writes them under the same keys, so that none counts twice.
    """
    entries = fold_queries.entries(session, person_id)
    for case in clock_queries.lapsed_of(session, person_id, now):
        entries += _of_case(entries, case, case.state.points, case.state.final_at or now)
    return entries


def _of_case(entries: Sequence[Entry], case: CaseFile, points: int, at: datetime) -> list[Entry]:
    return entries_of_case(
        entries, case_id=case.case_id, code=case.code, occasion=case.occasion, occurred_at=case.occurred_at,
        state=case.state, points=points, at=at,
    )  # fmt: skip


def entries_of_case(
    entries: Sequence[Entry], *, case_id: int, code: str, occasion: str, occurred_at: datetime, state: CaseState,
    points: int, at: datetime,
) -> list[Entry]:  # fmt: skip
    """Return what a case adds to the ledger when it becomes final with these points at an instant."""
    key = entry_key(case_id, state.round)
    demerit = Entry(
        idem=key, kind=EntryKind.DEMERIT, points=points, effective_at=occurred_at, exists_at=at, recorded_at=at,
        code=code, occasion=occasion,
    )  # fmt: skip
    if not was_atoned(entries, earlier_keys(case_id, state.round)):
        return [demerit]
    # What was done for an earlier round is not asked for a second time.
    clear = replace(
        demerit,
        idem=clear_key(case_id, state.round),
        kind=EntryKind.CLEAR,
        points=0,
        effective_at=at,
        refs=(key,),
    )
    return [demerit, clear]


def state_of(
    record: PermitRecord,
    entries: Sequence[Entry],
    now: datetime,
    *,
    served: Sequence[ServedSanction] = (),
    tasks: Sequence[CorrectiveTask] = (),
) -> LedgerState:
    """Fold the entries of a permit; pure but for its argument types. `served`, `tasks`: if a policy looks at them."""
    policy, anchor = record.policy, record.anchor_on
    result = fold(entries, policy, anchor_on=anchor, as_of=now, served=served, tasks=tasks)
    # What returns then: by what is known now, and as if every open slip were done by then.
    known = [one for one in entries if min(one.exists_at, one.recorded_at) <= now]
    later = fold(known, policy, anchor_on=anchor, as_of=result.window.end, served=served)
    is_warned = any(stage.stage.sanction is not SanctionKind.TALK for stage in result.stages)
    last_demerit = _last_demerit(entries, now)
    returning = max(0, result.total - later.total)
    clean_at = standing_changes_at(record.facts, record.zone, last_demerit)
    changes = [result.next_change_at, *([clean_at] if clean_at and clean_at > now else [])]
    return LedgerState(
        permit_id=record.permit_id,
        limit=policy.limit,
        total=result.total,
        left=result.left,
        stage=max((stage.stage.at for stage in result.stages), default=0),
        is_warned=is_warned,
        standing=standing(
            record.facts,
            now,
            zone=record.zone,
            total=result.total,
            last_demerit_at=last_demerit,
            is_warned=is_warned,
            meets_merit=_has_merit(entries, record, now),
        ),
        returns_at=result.window.end if returning else None,
        returning=returning,
        merits_used=result.merits_used,
        merit_cap=policy.merit.cap,
        next_change_at=min(changes),
        fold=result,
    )


def _last_demerit(entries: Iterable[Entry], now: datetime) -> datetime | None:
    present = [entry for entry in entries if entry.exists_at <= now]
    gone = voided(present, now)
    demerits = (e for e in present if e.kind is EntryKind.DEMERIT and e.idem not in gone)
    return max((entry.effective_at for entry in demerits), default=None)


def _has_merit(entries: Iterable[Entry], record: PermitRecord, now: datetime) -> bool:
    """Tell whether the merit criterion is met: a reward within the last 12 months, used or not."""
    present = [entry for entry in entries if entry.exists_at <= now]
    gone = voided(present, now)
    since = add_months(legal_day(now, record.zone), -CLEAN_MONTHS)
    return any(
        entry.kind is EntryKind.MERIT and entry.idem not in gone and legal_day(entry.effective_at, record.zone) >= since
        for entry in present
    )


def lines(session: Session, state: LedgerState, person_id: int, now: datetime) -> list[LedgerLine]:
    """Return the ledger as a page explains it, newest first."""
    rows = session.execute(
        sa.select(LedgerEntry.idem, LedgerEntry.case_id, PermitCase.number, PermitCase.tariff_version_id)
        .outerjoin(PermitCase, PermitCase.id == LedgerEntry.case_id)
        .where(LedgerEntry.person_id == person_id)
    ).all()
    cases: dict[str, tuple[int | None, str | None]] = {row.idem: (row.case_id, row.number) for row in rows}
    used = {row.tariff_version_id for row in rows if row.tariff_version_id}
    titles = titles_of(session, used, legal_day(now, "Asia/Shanghai"))
    for case in clock_queries.lapsed_of(session, person_id, now):
        titles[case.code] = case.breach.title
        for key in (entry_key, clear_key):
            cases[key(case.case_id, case.state.round)] = (case.case_id, case.number)
    found = [
        LedgerLine(
            at=line.entry.effective_at,
            kind=line.entry.kind,
            status=line.status,
            points=line.entry.points,
            counted=line.counted,
            code=line.entry.code,
            title=titles.get(line.entry.code, {"zh": line.entry.code, "en": line.entry.code}),
            case_id=cases[line.entry.idem][0],
            case_number=cases[line.entry.idem][1],
        )
        for line in state.fold.lines
    ]
    return sorted(found, key=lambda line: line.at, reverse=True)


def titles_of(session: Session, version_ids: Iterable[int], on: date) -> dict[str, Mapping[str, str]]:
    """Return the titles of codes: as the cases were read by (`version_ids`), else of the tariffs in force on a day."""
    versions = content.versions(session, version_ids).values()
    return _titles([*content.current(session, TARIFF, on).values(), *versions])


def _titles(versions: Iterable[content.Version]) -> dict[str, Mapping[str, str]]:
    return {
        row["code"]: row["title"] for version in versions for row in (*version.body["codes"], *version.body["merits"])
    }


def effects(session: Session, case: CaseFile, now: datetime) -> dict[int, Effect]:
    """Return, by points, what each outcome that bears points would come to; 0 stands for no points at all."""
    record = fold_queries.find_permit(session, case.person_id, now)
    if record is None:
        return {}
    entries = ledger(session, case.person_id, now)
    sanctions = [one.state.as_known() for one in fold_queries.sanctions_of(session, case.person_id, now)]
    views = _Views(anchor_on=record.anchor_on, as_of=now, tasks=tasks_of(session, record, now), sanctions=sanctions)
    return {points: _effect(record, entries, case, points, views) for points in range(case.state.points + 1)}


@dataclass(frozen=True, kw_only=True)
class _Views:
    """What a simulated ledger is looked at with."""

    anchor_on: date
    as_of: datetime
    tasks: Sequence[CorrectiveTask]
    sanctions: Sequence[KnownSanction]


def _effect(record: PermitRecord, entries: Sequence[Entry], case: CaseFile, points: int, views: _Views) -> Effect:
    simulated = [*entries, *(_of_case(entries, case, points, views.as_of) if points else [])]
    policy, anchor, now, tasks = record.policy, views.anchor_on, views.as_of, views.tasks
    served = served_of(views.sanctions)
    result = fold(simulated, policy, anchor_on=anchor, as_of=now, served=served, tasks=tasks)
    # What is due is asked without the sanctions that exist: an outcome shows what it leads to, proposed before or not.
    was_due = {p.cause for p in due(entries, policy, anchor_on=anchor, as_of=now, tasks=tasks)}
    now_due = due(simulated, policy, anchor_on=anchor, as_of=now, tasks=tasks)
    return Effect(
        points=points,
        total=result.total,
        left=result.left,
        limit=record.policy.limit,
        sanctions=tuple(proposal.sanction for proposal in now_due if proposal.cause not in was_due),
    )
