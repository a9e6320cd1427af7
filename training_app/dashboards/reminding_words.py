"""What became of reminding people, in words."""

from __future__ import annotations

from flask_babel import gettext as _
from flask_babel import ngettext

from training_app.dashboards.reminding_service import Outcome


def of_list(done: Outcome) -> str:
    """Say how many were reminded, and how many were not and why."""
    said: str = (
        ngettext("%(num)d person is reminded.", "%(num)d people are reminded.", done.sent)
        if done.sent
        else _("Nobody is reminded.")
    )
    because = [
        words
        for count, words in (
            (
                done.already,
                ngettext("%(num)d was reminded today already", "%(num)d were reminded today already", done.already),
            ),
            (
                done.no_sign_in,
                ngettext("%(num)d has not signed in yet", "%(num)d have not signed in yet", done.no_sign_in),
            ),
            (done.nothing_due, ngettext("%(num)d has nothing due", "%(num)d have nothing due", done.nothing_due)),
            (done.is_oneself, _("you yourself")),
        )
        if count
    ]
    if because:
        said = _("%(said)s Not reminded: %(because)s.", said=said, because=_("; ").join(because))
    return said
