"""Signals that certifications/ declares."""

from __future__ import annotations

from blinker import Signal

# sender: None; person_id, now. Sent inside the transaction, under the person's lock.
level_changed = Signal()
