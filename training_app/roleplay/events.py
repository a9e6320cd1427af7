"""Signals that roleplay/ declares."""

from __future__ import annotations

from blinker import Signal

# sender: None; person_id (whom the sheet is about), now. Sent inside the transaction, under the person's lock.
sheet_locked = Signal()
