"""The guides of the roles on one page each, the words, and the guided first visit."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace

from flask import current_app, flash, make_response, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from werkzeug.wrappers import Response as WerkzeugResponse

from training_app import clock
from training_app.access import guards
from training_app.access.guards import signed_in
from training_app.access.rules import opens
from training_app.errors import NotFound
from training_app.home import guides, service
from training_app.home.blueprint import bp
from training_app.home.guides import Guide, Step
from training_app.web import actor

_COOKIE = "visited"
_YEAR_S = 365 * 24 * 3600


@dataclass(frozen=True, kw_only=True)
class Visit:
    """Where somebody is in the first visit: a stop, its number, and the address of the next; None at the last."""

    step: Step
    number: int
    count: int
    onward: str | None


@bp.get("/guide")
@signed_in
def guide() -> ResponseReturnValue:
    """Show the guides of one's own roles and the words."""
    return render_template(
        "home/guides.html", guides=own_guides(), others=_others(own_guides()), words=guides.WORDS.values()
    )


@bp.get("/guide/<role>")
@signed_in
def guide_page(role: str) -> ResponseReturnValue:
    """Show the guide of a role on one page that can be printed."""
    found = guides.GUIDES.get(role)
    if found is None:
        raise NotFound()
    return render_template(
        "home/guide.html", guide=found, words=[guides.WORDS[key] for key in found.words],
        may_open={step.endpoint for step in _open_steps(found, actor().held)},
    )  # fmt: skip


@bp.post("/first-visit/end")
@signed_in
def end_first_visit() -> ResponseReturnValue:
    """End the guided first visit; the guides stay in the menu."""
    service.end_first_visit(actor().person_id, now=clock.now())
    flash(_("You find the guide again in the menu, under your name."), "success")
    return remembering(redirect(url_for("home.index")))


def is_remembered() -> bool:
    """Tell whether this browser knows that its reader's first visit is over, so that nobody has to be asked."""
    return request.cookies.get(_COOKIE) == str(actor().person_id)


def remembering(answer: str | WerkzeugResponse) -> WerkzeugResponse:
    """Return the answer with the browser told that its reader's first visit is over."""
    response = make_response(answer)
    if not is_remembered():
        response.set_cookie(
            _COOKIE, str(actor().person_id), max_age=_YEAR_S, httponly=True, samesite="Lax",
            secure=current_app.config["SESSION_COOKIE_SECURE"],
        )  # fmt: skip
    return response


def own_guides() -> list[Guide]:
    """Return the guides of the reader's roles, their steps limited to pages that open for them."""
    held = actor().held
    found = [replace(guide, steps=tuple(_open_steps(guide, held))) for guide in guides.guides_for(actor().role_names())]
    return [guide for guide in found if guide.steps]


def _others(own: list[Guide]) -> list[Guide]:
    return [guide for guide in guides.GUIDES.values() if guide.role not in {one.role for one in own}]


def _open_steps(guide: Guide, held: Collection[str]) -> list[Step]:
    doors = ((step, guards.door_of(current_app, step.endpoint)) for step in guide.steps)
    return [step for step, door in doors if door is not None and opens(door, signed_in=True, held=held)]


def stop(guide: Guide, place: int) -> str:
    """Return the address of a stop of the first visit."""
    return url_for(guide.steps[place].endpoint, first=f"{guide.role}-{place + 1}")


def visit_of(mark: str) -> Visit | None:
    """Return where the first visit is, by the mark in an address; None for a mark of no stop of one's own."""
    found = guides.find_step(mark)
    if found is None:
        return None
    own = next((one for one in own_guides() if one.role == found[0].role), None)
    if own is None or found[1] >= len(own.steps):
        return None
    place = found[1]
    onward = stop(own, place + 1) if place + 1 < len(own.steps) else None
    return Visit(step=own.steps[place], number=place + 1, count=len(own.steps), onward=onward)
