"""What rooms below may have done to a permit."""

from __future__ import annotations

from training_app.permits.permit_service import append_event, issue_permit

__all__ = ["append_event", "issue_permit"]
