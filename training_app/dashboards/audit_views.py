"""The audit trail: who did what when, the system's and people's streams."""

from __future__ import annotations

import re
from functools import partial

from flask import render_template, request, url_for
from flask.typing import ResponseReturnValue

from training_app import clock, web
from training_app.access.guards import needs
from training_app.access.rules import Permission
from training_app.accounts import queries as accounts
from training_app.accounts.service import today
from training_app.dashboards import fact_words, known_words, office_queries, pages
from training_app.dashboards.audit_words import action_words
from training_app.dashboards.blueprint import bp
from training_app.web import actor

_STREAM = re.compile(r"system|person:[0-9]{1,18}")


@bp.get("/audit")
@needs(Permission.AUDIT_READ)
def audit() -> ResponseReturnValue:
    """List entries, newest first."""
    session = web.session()
    stream, number = request.args.get("stream", ""), request.args.get("number", "").strip()
    if number:
        person_id = accounts.find_person_id(session, number)
        stream = f"person:{person_id or 0}"
    stream = stream if _STREAM.fullmatch(stream) else ""
    before = request.args.get("before", type=web.whole_number)
    rows, older = office_queries.audit_page(session, actor().grants, stream=stream, before=before)
    ids = {row.actor_id for row in rows}
    ids |= {int(row.stream.partition(":")[2]) for row in rows if row.stream.startswith("person:")}
    known = known_words.known(session, today(clock.now()), [row.facts for row in rows])
    next_page = url_for("dashboards.audit", stream=stream or None, before=older) if older else None
    return render_template(
        "dashboards/audit.html", tabs=pages.tabs(), rows=rows, names=accounts.names(session, ids), stream=stream,
        number=number, next=next_page, words_of=action_words(),
        fact_names=fact_words.fact_names(), fact_text=partial(known.fact, now=clock.now()), subject_text=known.subject,
    )  # fmt: skip
