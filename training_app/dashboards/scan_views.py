"""A trainer scans a technician's code, or types a number, and is led to what is next with that person."""

from __future__ import annotations

from flask import make_response, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from training_app import clock, web
from training_app.access.guards import needs
from training_app.access.rules import Permission
from training_app.accounts.service import today
from training_app.dashboards import scan_queries
from training_app.dashboards.blueprint import bp
from training_app.roleplay import next_queries
from training_app.roleplay.next_queries import NextKind
from training_app.web import actor

GRADE = Permission.ROLEPLAY_GRADE
# The one page that may ask for the camera; all others say that they never do.
CAMERA = "geolocation=(), microphone=(), camera=(self)"


@bp.get("/roleplay/scan")
@needs(GRADE)
def scan() -> ResponseReturnValue:
    """Offer the camera where the device can read codes, and always a field."""
    return _page()


@bp.post("/roleplay/scan")
@needs(GRADE)
def scanned() -> ResponseReturnValue:
    """Lead to the next thing with the person, or say that nobody within reach has this code."""
    me, now, text = actor(), clock.now(), request.form.get("code", "")
    person_id = scan_queries.find_person(web.session(), text, me.grants, now)
    if person_id is None:
        return _page(typed=text.strip()[:200], is_unknown=True)
    found = next_queries.next_with(web.session(), person_id, me.person_id, me.grants, on=today(now), now=now)
    match found.kind:
        case NextKind.SHEET:
            return redirect(url_for("roleplay.sheet", public_id=found.public_id))
        case NextKind.SESSION:
            return redirect(url_for("roleplay.session", public_id=found.public_id))
        case NextKind.PLAN:
            return redirect(url_for("roleplay.answer_improvement", public_id=found.public_id, person_id=person_id))
        case NextKind.PERSON:
            return redirect(url_for("roleplay.person", person_id=person_id))


def _page(typed: str = "", *, is_unknown: bool = False) -> ResponseReturnValue:
    page = render_template("dashboards/scan.html", typed=typed, is_unknown=is_unknown)
    answer = make_response(page, 422 if is_unknown else 200)
    answer.headers["Permissions-Policy"] = CAMERA
    return answer
