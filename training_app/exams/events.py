"""Signals that exams/ declares."""

from __future__ import annotations

from blinker import Signal

# sender: None; person_id, now. Sent inside the transaction, under the person's lock, when an attempt has a result.
attempt_scored = Signal()
