"""Words for batches of photos: what became of a file, why a zip was refused and what to do."""

from __future__ import annotations

from flask_babel import gettext as _

from training_app.photos.rules import BatchState, ItemState, Problem

TONES = {
    BatchState.READ: "attention", BatchState.APPLIED: "valid", BatchState.UNREADABLE: "stopped",
    BatchState.UNDONE: "unknown", BatchState.DROPPED: "unknown",
}  # fmt: skip


def group_words() -> dict[str, str]:
    """Return the tabs of a batch."""
    return {
        "matched": _("Matched"),
        "unmatched": _("Not matched"),
        "unreadable": _("Unreadable"),
        "same": _("Already there"),
    }


def state_words() -> dict[BatchState, str]:
    """Return the states of a batch."""
    return {
        BatchState.READING: _("Being read"),
        BatchState.UNREADABLE: _("Refused"),
        BatchState.READ: _("To be applied"),
        BatchState.APPLYING: _("Being applied"),
        BatchState.APPLIED: _("Applied"),
        BatchState.UNDOING: _("Being undone"),
        BatchState.UNDONE: _("Undone"),
        BatchState.DROPPED: _("Put away"),
    }


def work_words() -> dict[BatchState, str]:
    """Return what the bar of the progress says."""
    return {
        BatchState.READING: _("The photos are being read"),
        BatchState.APPLYING: _("The photos are being set"),
        BatchState.UNDOING: _("The earlier photos are being brought back"),
    }


def item_words() -> dict[ItemState, str]:
    """Return what became of a file, and what to do where it was refused."""
    return {
        ItemState.MATCHED: _("New photo"),
        ItemState.SAME: _("This photo is already there"),
        ItemState.NOBODY: _(
            "No number in the name leads to somebody within your reach. Name the file by the staff or permit number."
        ),
        ItemState.SEVERAL: _("Numbers of several people stand in the name. Leave one of them."),
        ItemState.TWICE: _("An earlier file of this zip is for the same person. Send one photo each."),
        ItemState.NOT_A_PHOTO: _("No JPEG, PNG or WebP picture that can be read. Save it as JPEG and send it again."),
        ItemState.TOO_LARGE: _("Larger than 12 MB. Make it smaller and send it again."),
        ItemState.LOCKED: _("Locked by a password. Pack it without one."),
        ItemState.APPLIED: _("Set"),
        ItemState.GONE: _("Not set: the person left, or is no longer within your reach"),
        ItemState.UNDONE: _("Earlier photo brought back"),
        ItemState.KEPT: _("Left as it is: a newer photo came meanwhile"),
    }


def problem_words(problem: str) -> tuple[str, str]:
    """Return why a whole zip was refused, and what to do."""
    return {
        Problem.NOT_A_ZIP: (_("This is no zip that can be read"), _("Pack the photos into a plain zip and send it.")),
        Problem.TOO_MANY: (_("More than 300 photos, or too many other files"), _("Send them in two or more zips.")),
        Problem.UNPACKS_TOO_LARGE: (_("The photos are too large together"), _("Send them in two or more zips.")),
        Problem.NO_PICTURES: (
            _("No picture stands in this zip"),
            _("Put JPEG, PNG or WebP pictures into it, each named by the staff or permit number."),
        ),
    }[Problem(problem)]
