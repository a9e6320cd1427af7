"""What dispatch asks: one permit, or ten thousand; and the document that says how."""

from __future__ import annotations

from typing import Any, TypeVar, cast

from flask import current_app, g, jsonify, render_template, request
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from pydantic import BaseModel, ValidationError

from training_app import clock
from training_app.access.guards import public, token
from training_app.accounts.locks import safe_horizon
from training_app.api import bearer, dispatch_queries, openapi, schemas, service, wording
from training_app.api.bearer import AcceptedLater, BadRequest, NoScope, NotYetCertain, TooFar, UnknownJobType
from training_app.api.blueprint import bp
from training_app.api.dispatch_queries import Asked, UnknownJob
from training_app.api.queries import Caller
from training_app.api.rules import FARTHEST, Scope
from training_app.errors import NotFound
from training_app.web import session as read
from training_app.web import takes_json

Model = TypeVar("Model", bound=BaseModel)


@bp.get("/api/v1/permits/<number>/authorisation")
@token
def authorisation(number: str) -> ResponseReturnValue:
    """Tell whether the holder of a permit may be sent, as of an instant and as known at another."""
    now, caller = clock.now(), _caller(Scope.AUTHORISATION_READ)
    asked = _query(schemas.AuthorisationQuery)
    at = asked.at or now
    if at > now + FARTHEST:
        raise TooFar(field="at")
    if asked.known_at is not None and asked.known_at > safe_horizon(now):
        raise NotYetCertain(field="known_at", latest=safe_horizon(now).isoformat(timespec="seconds"))
    if asked.accepted_at is not None and asked.accepted_at > at:
        raise AcceptedLater(field="accepted_at")
    question = Asked(number=number[:40], at=at, job_type=asked.job_type, accepted_at=asked.accepted_at)
    [line] = dispatch_queries.answers(read(), [question], caller, now, known_at=asked.known_at)
    if isinstance(line, UnknownJob):
        raise UnknownJobType(field="job_type")
    if not isinstance(line, dispatch_queries.Said):
        raise NotFound()
    book = dispatch_queries.book_of(read(), at)
    answer = wording.authorisation(line, book, asked.known_at or now).model_dump(mode="json")
    service.note_used(caller, now=now)
    return jsonify(answer)


@bp.post("/api/v1/authorisations")
@takes_json
@token
def authorisations() -> ResponseReturnValue:
    """Answer up to ten thousand questions, each with a line of its own."""
    now, caller = clock.now(), _caller(Scope.AUTHORISATION_READ)
    asked = _body(schemas.Batch)
    questions = []
    for place, row in enumerate(asked.rows):
        at = row.at or now
        if at > now + FARTHEST:
            raise TooFar(field=f"rows.{place}.at")
        if row.accepted_at is not None and row.accepted_at > at:
            raise AcceptedLater(field=f"rows.{place}.accepted_at")
        questions.append(Asked(number=row.number, at=at, job_type=row.job_type, accepted_at=row.accepted_at))
    lines = dispatch_queries.answers(read(), questions, caller, now)
    rows = [
        wording.batch_row(one.number, one.job_type, one.at, line) for one, line in zip(questions, lines, strict=True)
    ]
    service.note_used(caller, now=now)
    return jsonify({"rows": rows, "known_as_of": now.isoformat()})


authorisations.__limit__ = bearer.MANY  # type: ignore[attr-defined]


@bp.get("/api/v1/openapi.json")
@public
def openapi_document() -> ResponseReturnValue:
    """Return the OpenAPI document."""
    return jsonify(openapi.document())


@bp.get("/api/v1/")
@public
def guide() -> ResponseReturnValue:
    """Tell in words what can be asked and how."""
    return render_template("api/guide.html", base=current_app.config["PUBLIC_URL"], titles=bearer.TITLES)


def _caller(scope: Scope) -> Caller:
    caller = cast(Caller, g.caller)
    if scope not in caller.scopes:
        raise NoScope()
    return caller


def _query(model: type[Model]) -> Model:
    values: dict[str, Any] = {}
    for name, given in request.args.lists():
        if len(given) > 1:
            raise BadRequest(field=name[:60], reason=_("it stands there twice"))
        values[name] = given[0]
    return _checked(model, values)


def _body(model: type[Model]) -> Model:
    if not request.is_json:
        raise BadRequest(field="Content-Type", reason=_("send JSON, as application/json"))
    body = request.get_json(silent=True)
    if not isinstance(body, dict):
        raise BadRequest(field="body", reason=_("it is no JSON object"))
    return _checked(model, body)


def _checked(model: type[Model], values: dict[str, Any]) -> Model:
    try:
        return model.model_validate(values)
    except ValidationError as error:
        first = error.errors(include_url=False, include_context=False, include_input=False)[0]
        field = ".".join(str(part) for part in first["loc"])[:80] or "body"
        known = {
            "extra_forbidden": _("there is no such field"),
            "missing": _("it is missing"),
            "string_pattern_mismatch": _("it is not written as it should be"),
            "too_long": _("there are too many of them"),
        }
        reason = known.get(first["type"], first["msg"].removeprefix("Value error, "))
        raise BadRequest(field=field, reason=reason) from None
