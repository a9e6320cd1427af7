"""A person's page: the three records, the story, the state on any day; and one's own record."""

from __future__ import annotations

import secrets
from datetime import datetime
from typing import Any

from flask import Response, render_template, request, url_for
from flask.typing import ResponseReturnValue

from training_app import clock, web
from training_app.access.guards import needs, signed_in
from training_app.access.rules import Permission
from training_app.accounts import people_queries as registry
from training_app.accounts import queries as accounts
from training_app.accounts.service import today
from training_app.calendar.rules import legal_day
from training_app.dashboards import (
    career_rules,
    pages,
    person_queries,
    role_pages,
    story_queries,
    two_times_queries,
    wording,
)
from training_app.dashboards.blueprint import bp
from training_app.errors import NotFound
from training_app.licences import queries as licences
from training_app.licences.wording import job_lines
from training_app.permits.scope import JobLine
from training_app.status import job_queries
from training_app.status.fold_queries import Snapshot
from training_app.status.rules import State
from training_app.storage import service as storage
from training_app.web import actor

P = Permission


@bp.get("/people/<int:person_id>")
@needs(P.PEOPLE_READ)
def person(person_id: int) -> ResponseReturnValue:
    """Show one person within reach, today or as of a day, with the whole story."""
    pages.reach(person_id, P.PEOPLE_READ, now=clock.now())
    # Whoever keeps records reads their own as everybody else does: without the words that are not for them.
    return _record(person_id, is_own=person_id == actor().person_id)


@bp.get("/me/record")
@signed_in
def my_record() -> ResponseReturnValue:
    """Show one's own record: everything one was told, without the private words of others."""
    return _record(actor().person_id, is_own=True)


def _record(person_id: int, *, is_own: bool) -> ResponseReturnValue:
    now, session, me = clock.now(), web.session(), actor()
    page = person_queries.get_person(session, person_id, person_queries.find_on(request.args.get("on", "")), now)
    if is_own:
        page = person_queries.as_told(session, page, now)
        lines = story_queries.own_story(session, person_id, now)
    else:
        lines = story_queries.story(session, person_id, with_exam_time=_reaches(person_id, P.PEOPLE_EDIT))
        if not person_queries.handles_cases(session, me.grants, person_id):
            since, alive = person_queries.window_of_points(session, person_id, now)
            page = person_queries.without_old_points(session, page, since, alive)
            lines = story_queries.of_this_window(story_queries.without_case_words(lines, me.person_id), since, alive)
    group = request.args.get("kind", "")
    group = group if group in story_queries.GROUPS else ""
    shown = story_queries.page(
        lines, group, page.at if page.is_past else None, request.args.get("upto", type=web.whole_number)
    )
    end = page.at if page.is_past else now
    career = career_rules.lanes([(line.group, line.kind, line.at) for line in lines], story_queries.GROUPS, end)
    endpoint, values = _address(person_id, is_own=is_own)
    asked = {"on": page.on.isoformat() if page.is_past else None, "kind": group or None}

    def link_to(**changes: object) -> str:
        return url_for(endpoint, **{**values, **asked, **changes})

    return render_template(
        "dashboards/person.html", page=page, story=shown, group=group, link_to=link_to, is_own=is_own, words=wording,
        career=career, told=lines, end=end,
        names=accounts.names(session, story_queries.actors(shown.lines)), endpoint=endpoint, values=values,
        roles=role_pages.role_titles(session, today(now)), units=role_pages.unit_names(session, today(now)),
        licences=licences.kinds(session, today(now)), jobs=_jobs(page.snapshot, page.at),
        two_times=url_for("dashboards.my_two_times" if is_own else "dashboards.two_times", **values),
        may=_may(person_id, is_own=is_own, has_permit=page.snapshot.permit_number is not None), today=today(now),
        token=secrets.token_hex(16),
    )  # fmt: skip


@bp.get("/people/<int:person_id>/two-times")
@needs(P.PEOPLE_READ)
def two_times(person_id: int) -> ResponseReturnValue:
    """Show how one person within reach stood on a day, as it was known on another."""
    pages.reach(person_id, P.PEOPLE_READ, now=clock.now())
    return _two_times(person_id, is_own=person_id == actor().person_id)


@bp.get("/me/record/two-times")
@signed_in
def my_two_times() -> ResponseReturnValue:
    """Show how one stood oneself on a day, as it was known on another."""
    return _two_times(actor().person_id, is_own=True)


def _two_times(person_id: int, *, is_own: bool) -> ResponseReturnValue:
    now, session = clock.now(), web.session()
    as_of, known_at = request.args.get("as_of", ""), request.args.get("known_at", "")
    zone = two_times_queries.zone_of(session, person_id, now)
    found = two_times_queries.asked_for(as_of, known_at, zone, now)
    refused = found if isinstance(found, two_times_queries.Refused) else None
    today_now = two_times_queries.asked_for("", "", zone, now)
    asked = today_now if isinstance(found, two_times_queries.Refused) else found
    assert isinstance(asked, two_times_queries.Asked)
    hides = not is_own and not person_queries.handles_cases(session, actor().grants, person_id)
    page = two_times_queries.two_times(session, person_id, asked, now, is_own=is_own, hides=hides)
    endpoint, values = _address(person_id, is_own=is_own)
    return render_template(
        "dashboards/two_times.html", page=page, asked=asked, refused=refused, is_own=is_own, words=wording,
        here=url_for("dashboards.my_two_times" if is_own else "dashboards.two_times", **values),
        record_url=url_for(endpoint, **values), jobs=_jobs(page.snapshot, asked.at), as_of=as_of, known_at=known_at,
        today=legal_day(now, zone), zone=zone,
    ), (422 if refused else 200)  # fmt: skip


def _address(person_id: int, *, is_own: bool) -> tuple[str, dict[str, Any]]:
    return ("dashboards.my_record", {}) if is_own else ("dashboards.person", {"person_id": person_id})


def _jobs(snapshot: Snapshot, at: datetime) -> list[JobLine]:
    """Return what the person may do by type of job at the instant of the page; nothing for who needs no permit."""
    if snapshot.state is State.NONE:
        return []
    answer, book = job_queries.answer_of(web.session(), snapshot, at)
    return job_lines(answer, book, at)


def _may(person_id: int, *, is_own: bool, has_permit: bool) -> set[str]:
    """Return the actions the reader may take on this person, now."""
    session, me = web.session(), actor()
    record = registry.get_record(session, person_id)
    if is_own or record.left_on is not None:
        return set()
    wanted = {"edit": P.PEOPLE_EDIT, "roles": P.ROLE_GRANT, "remind": P.PEOPLE_READ}
    if has_permit:  # a case needs a permit on which it counts
        wanted["report"] = P.CASE_REPORT
    found = {name for name, permission in wanted.items() if _reaches(person_id, permission)}
    on = today(clock.now())
    if found & {"edit", "roles"} and registry.may_issue_link(session, me.grants, person_id, on):
        found.add("link")
    return found


def _reaches(person_id: int, permission: str) -> bool:
    try:
        pages.reach(person_id, permission, now=clock.now())
    except NotFound:
        return False
    return True


@bp.get("/people/<int:person_id>/photo")
@signed_in
def photo(person_id: int) -> ResponseReturnValue:
    """Send a person's photo to themselves and to who reaches them."""
    if person_id != actor().person_id:
        pages.reach(person_id, P.PEOPLE_READ, now=clock.now())
    sha256 = registry.photo_of(web.session(), person_id)
    if sha256 is None:
        raise NotFound()
    return Response(
        storage.read(sha256), mimetype="image/jpeg",
        headers={"Content-Disposition": "inline", "Content-Security-Policy": "default-src 'none'; sandbox"},
    )  # fmt: skip
