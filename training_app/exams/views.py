"""The doors of exams/: the learner's and the examiner's, and their places in the navigation."""

from __future__ import annotations

from flask_babel import lazy_gettext as _l

from training_app.access.rules import Permission
from training_app.exams import contest_views, sitting_views, time_views
from training_app.exams.paper_views import bp
from training_app.web import NavItem

__all__ = ["NAV", "bp", "contest_views", "sitting_views", "time_views"]
NAV = (
    NavItem(
        label=_l("Exams"), endpoint="exams.index", icon="exam", order=30,
        permissions=(Permission.EXAM_TAKE, Permission.COURSE_LEARN),
    ),
    NavItem(
        label=_l("Sittings"), endpoint="exams.sittings_list", icon="eye", order=35, permissions=sitting_views.ANY
    ),
    NavItem(
        label=_l("Contested results"), endpoint="exams.contest_list", icon="decide", order=65,
        permissions=(contest_views.RESOLVE,),
    ),
)  # fmt: skip
