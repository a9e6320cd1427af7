"""Who asks without a browser: the token of the header, limits, and errors as problem JSON. Cookies are never read."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from functools import cache
from typing import Any

from flask import Flask, Response, current_app, g, jsonify, request
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from limits import RateLimitItem, parse

from training_app.accounts.service import today
from training_app.api import queries, service
from training_app.api.queries import Caller
from training_app.api.rules import MARK
from training_app.credentials.limits import limiter
from training_app.errors import DomainError, Throttled
from training_app.web import session as read

ONE = "1200 per minute"
MANY = "30 per minute"
FAILED = "30 per minute"


class BadToken(DomainError):
    """No token, or one that does not count (any more); which is not said."""

    status = 401
    code = "bad_token"
    message = "Send a token that counts in the header “Authorization: Bearer …”. Ask your administrator for one."

    @property
    def headers(self) -> dict[str, str]:
        """Return how a program shows who it is."""
        return {"WWW-Authenticate": 'Bearer realm="api"'}


class NoScope(DomainError):
    """The token counts, but not for this."""

    status = 403
    code = "no_scope"
    message = "This token was not issued for that. Ask your administrator for one with the right scope."


class BadRequest(DomainError):
    """What was sent cannot be read: names the field."""

    status = 400
    code = "invalid_request"
    message = "%(field)s: %(reason)s"


class OutOfRange(DomainError):
    """An instant that cannot be answered for."""

    status = 422
    code = "out_of_range"
    message = "This instant cannot be answered for."


class TooFar(OutOfRange):
    """Later than anything is known of."""

    message = "Ask for an instant no more than a year ahead."


class NotYetCertain(OutOfRange):
    """Known as of an instant for which the answer may still change."""

    code = "not_yet_certain"
    message = "What is known can be asked for up to %(latest)s; leave known_at out for what is known now."


class AcceptedLater(OutOfRange):
    """An order accepted after the instant of the job."""

    message = "An order is accepted before the job: accepted_at must not be later than at."


class UnknownJobType(DomainError):
    """No such type of job on that day."""

    status = 422
    code = "unknown_job_type"
    message = "There is no such type of job on that day."


TITLES: dict[int, Any] = {
    400: _l("The request cannot be read"), 401: _l("A token is needed"), 403: _l("Not with this token"),
    404: _l("Nothing here"), 405: _l("Not this method"), 413: _l("Too much at once"), 415: _l("JSON is needed"),
    422: _l("It cannot be answered"), 429: _l("Too many requests"), 503: _l("Not now, but soon"),
}  # fmt: skip


@cache
def _limit(text: str) -> RateLimitItem:
    return parse(text)


def _wait_s(item: RateLimitItem, key: str, now: datetime) -> int:
    return max(1, round(limiter.limiter.get_window_stats(item, "api", key).reset_time - now.timestamp()))


def check(now: datetime) -> Caller:
    """Return who asks; raises BadToken and Throttled. Only failures of an address count, so that many may share it."""
    failed, address = _limit(FAILED), f"failed:{request.remote_addr}"
    if not limiter.limiter.test(failed, "api", address):
        raise Throttled(seconds=_wait_s(failed, address, now))
    caller = _find_caller(now)
    if caller is None:
        limiter.limiter.hit(failed, "api", address)
        raise BadToken()
    text = getattr(current_app.view_functions[request.endpoint or ""], "__limit__", ONE)
    item, key = _limit(text), f"token:{caller.token_id}:{request.endpoint}"
    if not limiter.limiter.hit(item, "api", key):
        raise Throttled(seconds=_wait_s(item, key, now))
    g.caller = caller
    return caller


def _find_caller(now: datetime) -> Caller | None:
    kind, _blank, token = request.headers.get("Authorization", "").partition(" ")
    if kind.lower() != "bearer" or not token.startswith(MARK) or len(token) > 100:
        return None
    read().rollback()
    return queries.find_caller(read(), service.digest(token), now, today(now))


def problem(status: int, detail: str, code: str, field: str | None = None) -> tuple[Response, int]:
    """Return an error as problem JSON (RFC 9457)."""
    body = {
        "type": f"/api/v1/#{code}", "title": str(TITLES.get(status, _("It did not work"))), "status": status,
        "detail": detail, "code": code, "field": field, "request_id": g.get("request_id", ""),
    }  # fmt: skip
    answer = jsonify({name: value for name, value in body.items() if value is not None})
    answer.mimetype = "application/problem+json"
    return answer, status


def install(app: Flask, now: Callable[[], datetime]) -> None:
    """Let every door for tokens ask here, and word every error below /api as problem JSON."""
    app.extensions["bearer"] = lambda: check(now())
    app.extensions["problem"] = problem
