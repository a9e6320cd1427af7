"""What may be done in permits/: the permit itself, cases with their evidence, sanctions, rewards."""

from __future__ import annotations

from training_app.permits import case_service as cases
from training_app.permits import sanction_service as sanctions
from training_app.permits import slip_service as slips
from training_app.permits.case_service import Words
from training_app.permits.condition_service import meet_condition, propose_unmet
from training_app.permits.entry_service import append_entry
from training_app.permits.evidence_service import Picture, read
from training_app.permits.ledger_service import reward, settle
from training_app.permits.permit_service import append_event, end_stop, issue_permit, stop_for_safety
from training_app.permits.retraining_service import reinstate
from training_app.permits.review_service import expire, note_shown, open_review, refuse, renew
from training_app.permits.sanction_service import annul as annul_sanction

__all__ = [
    "Picture",
    "Words",
    "annul_sanction",
    "append_entry",
    "append_event",
    "cases",
    "end_stop",
    "expire",
    "issue_permit",
    "meet_condition",
    "note_shown",
    "open_review",
    "propose_unmet",
    "read",
    "refuse",
    "reinstate",
    "renew",
    "reward",
    "sanctions",
    "settle",
    "slips",
    "stop_for_safety",
]
