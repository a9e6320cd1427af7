"""Signals that licences/ declares."""

from __future__ import annotations

from blinker import Signal

# sender: None; person_id, now. Sent inside the transaction, under the person's lock.
licence_changed = Signal()
