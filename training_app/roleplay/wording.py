"""Words for drills, parts and stages; keys that content invents are shown as they are."""

from __future__ import annotations

from flask_babel import gettext as _


def drill_words(key: str) -> str:
    """Return the name of a drill."""
    return str({"complaint": _("Complaint"), "first_arrival": _("First arrival")}.get(key, key))


def part_words(key: str) -> str:
    """Return the name of a part."""
    return str(
        {
            "learner": _("Technician (is scored)"),
            "customer": _("Customer"),
            "observer": _("Observer"),
            "helper": _("Helper"),
            "supervisor": _("Supervisor"),
            "bystander": _("Bystander"),
            "rater": _("Second rater"),
        }.get(key, key)
    )


def stage_words(key: str) -> str:
    """Return the name of a stage of the checklist."""
    return str(
        {
            "receive": _("Receive"),
            "calm": _("Calm"),
            "analyse": _("Analyse"),
            "solve": _("Solve"),
            "follow-up": _("Follow up"),
            "greet": _("Greet"),
            "need": _("Need"),
            "solution": _("Solution"),
            "objection": _("Objection"),
            "close": _("Close"),
        }.get(key, key)
    )
