"""Words for drills, parts and stages; keys that content invents are shown as they are."""

from __future__ import annotations

from flask_babel import gettext as _


def drill_words(key: str) -> str:
    """Return the name of a drill."""
    return str({"complaint": _("Complaint drill"), "first_arrival": _("First-arrival drill")}.get(key, key))


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
            "receive": _("Receive the complaint"),
            "calm": _("Calm the customer"),
            "analyse": _("Analyse the trouble"),
            "solve": _("Solve it"),
            "follow-up": _("Promise the follow-up"),
            "greet": _("Greeting"),
            "need": _("Finding the need"),
            "solution": _("Offering a solution"),
            "objection": _("Answering doubts"),
            "close": _("Closing the visit"),
        }.get(key, key)
    )
