"""The rules of the work permit, in one place to import from.

Points: entries of the ledger are folded under a policy; the engine proposes, people decide.

    policy = read_policy(body)                                       # refuses what it does not support
    result = fold(entries, policy, anchor_on=anchor_on, as_of=now)        # total, left, stages, lines, next change
    for proposal in due(entries, policy, anchor_on=anchor_on, as_of=now,
                        sanctions=[state.as_known() for state in sanctions]):
        ...                                                               # proposal.cause: idempotency key
    fallen_away(entries, policy, ..., sanctions=...)                      # causes to annul after a void

Case and sanction: fold the events, then ask whether somebody may take a step. Write the lapse with
`effective_at=state.appeal_until`, however late it is noticed; write the demerit when `state.is_counted`, under a key
made of the case and `state.round`, with `effective_at=state.occurred_at` and `exists_at=state.final_at`.

    state = fold_case(events, policy, calendar)
    check_move(state, CaseMove(kind=CaseEventKind.DECIDE, outcome=Outcome.REDUCED, points=3, reason=True),
               actor=person_id, now=now)
    sanction = fold_sanction(sanction_events, policy, calendar)
    check_sanction_move(sanction, SanctionMove(kind=SanctionEventKind.CONFIRM), actor=person_id, now=now,
                        policy=policy)

Permit: dates, and what they say at an instant.

    facts = fold_permit(permit_events, policy, as_of=now)
    state_at(facts, now), door_answer(facts, now), may_work(facts, accepted_at, now)

Every refusal is a RuleError with a machine code in `code` and what a message may name in `values`.
"""

from __future__ import annotations

from training_app.permits.base_rules import (
    ClockRunning,
    EvidenceMissing,
    IllegalMove,
    NotServed,
    NotTheHolder,
    PersonId,
    PersonNeeded,
    PointsRefused,
    ReasonMissing,
    RuleError,
    SamePersonRefused,
    SystemOnly,
    TooLate,
)
from training_app.permits.body_rules import PolicyInvalid, PolicyUnsupported
from training_app.permits.case_move_rules import (
    CaseMove,
    CodeNotInTariff,
    LimitationOver,
    NotYetOccurred,
    ReopeningOver,
    check_move,
    check_report,
)
from training_app.permits.case_rules import (
    CaseEvent,
    CaseEventKind,
    CaseState,
    CaseStatus,
    Document,
    EventsOutOfOrder,
    Outcome,
    fold_case,
)
from training_app.permits.due_rules import KnownSanction, Proposal, due, fallen_away, retraining_parts
from training_app.permits.entry_rules import CorrectiveTask, Entry, EntryInvalid, EntryKind
from training_app.permits.ledger_rules import (
    EntryLine,
    Fold,
    fold,
    last_demerit_at,
)
from training_app.permits.permit_rules import (
    DoorAnswer,
    InterimStopUsedUp,
    PermitEvent,
    PermitEventKind,
    PermitFacts,
    PermitState,
    check_permit_event,
    door_answer,
    fold_permit,
    interim_stop_until,
    may_work,
    state_at,
)
from training_app.permits.policy_body_rules import read_policy
from training_app.permits.policy_rules import (
    Policy,
    RenewalBase,
    Retraining,
    RetrainingPart,
    SanctionKind,
    Span,
    Stage,
)
from training_app.permits.renewal_rules import renewed_through
from training_app.permits.sanction_rules import (
    AnnulReason,
    SanctionEvent,
    SanctionEventKind,
    SanctionMove,
    SanctionState,
    SanctionStatus,
    check_sanction_move,
    fold_sanction,
    is_suspended_by_appeal,
)
from training_app.permits.standing_rules import (
    EFFECTS,
    CertificateAnswer,
    Effect,
    LevelEffect,
    Occurrence,
    PermitEffect,
    Standing,
    certificate_answer,
    is_eliminated,
    is_exercisable,
    standing,
    standing_changes_at,
)
from training_app.permits.walk_rules import EntryStatus, ServedSanction, StageReached

__all__ = [
    "EFFECTS",
    "AnnulReason",
    "CaseEvent",
    "CaseEventKind",
    "CaseMove",
    "CaseState",
    "CaseStatus",
    "CertificateAnswer",
    "ClockRunning",
    "CodeNotInTariff",
    "CorrectiveTask",
    "Document",
    "DoorAnswer",
    "Effect",
    "Entry",
    "EntryInvalid",
    "EntryKind",
    "EntryLine",
    "EntryStatus",
    "EventsOutOfOrder",
    "EvidenceMissing",
    "Fold",
    "IllegalMove",
    "InterimStopUsedUp",
    "KnownSanction",
    "LevelEffect",
    "LimitationOver",
    "NotServed",
    "NotTheHolder",
    "NotYetOccurred",
    "Occurrence",
    "Outcome",
    "PermitEffect",
    "PermitEvent",
    "PermitEventKind",
    "PermitFacts",
    "PermitState",
    "PersonId",
    "PersonNeeded",
    "PointsRefused",
    "Policy",
    "PolicyInvalid",
    "PolicyUnsupported",
    "Proposal",
    "ReasonMissing",
    "RenewalBase",
    "ReopeningOver",
    "Retraining",
    "RetrainingPart",
    "RuleError",
    "SamePersonRefused",
    "SanctionEvent",
    "SanctionEventKind",
    "SanctionKind",
    "SanctionMove",
    "SanctionState",
    "SanctionStatus",
    "ServedSanction",
    "Span",
    "Stage",
    "StageReached",
    "Standing",
    "SystemOnly",
    "TooLate",
    "certificate_answer",
    "check_move",
    "check_permit_event",
    "check_report",
    "check_sanction_move",
    "door_answer",
    "due",
    "fallen_away",
    "fold",
    "fold_case",
    "fold_permit",
    "fold_sanction",
    "interim_stop_until",
    "is_eliminated",
    "is_exercisable",
    "is_suspended_by_appeal",
    "last_demerit_at",
    "may_work",
    "read_policy",
    "renewed_through",
    "retraining_parts",
    "standing",
    "standing_changes_at",
    "state_at",
]
