"""What the pages of certifications/ share: the blueprint, the lists of the certifier's desk with their figures."""

from __future__ import annotations

from datetime import datetime

from flask import Blueprint, request

from training_app.accounts.service import today
from training_app.certifications import queries, queue_queries, retraining_queries, review_queries
from training_app.errors import NotFound
from training_app.web import actor
from training_app.web import session as read_session

bp = Blueprint("certifications", __name__)


def counts(now: datetime) -> dict[str, int]:
    """Return how many stand in each list of the desk."""
    session, grants = read_session(), actor().grants
    ready, blocked = queue_queries.count_waiting(session, grants, scheme=scheme(now), now=now)
    to_decide, missing = review_queries.count_in_reach(session, grants)
    return {
        "ready": ready,
        "blocked": blocked,
        "retraining": retraining_queries.count_in_reach(session, grants, now)[1],
        "to_decide": to_decide,
        "missing": missing,
        "conditions": review_queries.count_conditions(session, grants),
        "reviews": to_decide + missing,
    }


def scheme(now: datetime) -> str:
    """Return the scheme that was asked for, or the first there is; an unknown one is not found."""
    known = queries.schemes(read_session(), today(now))
    asked = request.args.get("scheme")
    if not known or (asked is not None and asked not in known):
        raise NotFound()
    return asked or known[0]


def key(name: str) -> tuple[str, int] | None:
    """Return the key of a neighbouring page, None where there is none or it makes no sense."""
    sort_key, _sign, person_id = request.args.get(name, "").rpartition("~")
    return (sort_key, int(person_id)) if person_id.isdigit() and len(person_id) < 16 else None
