"""Why somebody is left out of an award, in words; states of a requirement, in words."""

from __future__ import annotations

from collections.abc import Mapping

from flask_babel import gettext as _

from training_app.certifications.award_rules import LeftOut, Verdict
from training_app.certifications.rules import Part, Why
from training_app.web import pick


def left_out(verdict: Verdict, titles: Mapping[str, object]) -> str:
    """Return why a person cannot be awarded and what would allow it; `titles` are those of the requirements."""
    if verdict.why is LeftOut.CONFLICT and verdict.conflict is not None:
        title = pick(titles.get(verdict.conflict.requirement, {}))
        return str(
            _(
                "You trained or scored this person in “%(requirement)s”. Another certifier has to award.",
                requirement=title,
            )
            if verdict.conflict.part is Part.TRAINER
            else _(
                "You examined this person in “%(requirement)s”. Another certifier has to award.",
                requirement=title,
            )
        )
    if verdict.why is LeftOut.NOT_READY:
        missing = _("; ").join(pick(titles.get(key, {})) for key in verdict.missing)
        return str(_("Still missing: %(missing)s.", missing=missing))
    words_of = {
        LeftOut.ONESELF: _("Nobody awards themselves. Another certifier has to award."),
        LeftOut.HAS_LEFT: _("This person has left the company."),
        LeftOut.PERMIT_LOST: _(
            "The permit is revoked. It has to be won back by retraining before a level can be awarded."
        ),
        LeftOut.NOTHING_DUE: _("Awarded before; nothing is due now."),
        LeftOut.REFUSED: _("Refused before. Open the person, read the reason and decide again."),
        LeftOut.CONDITION: _(
            "More points are deducted than the policy lets pass without a condition. Open the person and decide alone."
        ),
        LeftOut.NOT_FOUND: _("Out of your reach, or no longer there."),
    }
    return str(words_of[verdict.why or LeftOut.NOT_FOUND])


def why(reason: Why, count: int, done: int) -> str:
    """Return why a requirement is not met."""
    words_of = {
        Why.NOT_DONE: _("not done yet"),
        Why.OLD_VERSION: _("done in an earlier version that no longer counts"),
        Why.TOO_OLD: _("has to be shown again"),
        Why.NOT_PASSED: _("tried, not passed yet"),
        Why.NOT_SUPERVISED: _("passed without supervision, which does not count"),
        Why.BELOW_CUT: _("below the pass mark"),
        Why.TOO_FEW_RATERS: _("passed before too few raters"),
        Why.TOO_FEW: _("%(done)s of %(count)s", done=done, count=count),
    }
    return str(words_of[reason])
