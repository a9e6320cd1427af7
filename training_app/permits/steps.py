"""What the pages of permits/ share: the blueprint, running a step, the lists a role has."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any

from flask import Blueprint, flash, redirect, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from werkzeug.datastructures import FileStorage

from training_app.access.rules import Permission
from training_app.errors import DomainError, NotFound
from training_app.permits import desk_queries, pages, service
from training_app.permits.evidence_service import NothingAnswered
from training_app.web import actor, language

P = Permission
DESK, BENCH = desk_queries.DESK, desk_queries.BENCH
WORK = tuple(dict.fromkeys((*DESK, *BENCH, P.CASE_REPORT, P.CASE_INTERIM_STOP)))
bp = Blueprint("permits", __name__)


class Blank(DomainError):
    """A field has its message already."""

    status = 422


def run(
    form: Any,
    act: Callable[[], object],
    done: str | None,
    onward: str,
    show: Callable[[int], ResponseReturnValue],
) -> ResponseReturnValue:
    """Run a step of a form; what cannot be done is said on the same page, and what was typed stays."""
    if not form.validate_on_submit():
        return show(422)
    try:
        act()
    except Blank as error:
        return show(error.status)
    except NothingAnswered as error:
        form.words.errors = [pages.word(error)]
        return show(error.status)
    except NotFound:
        raise
    except DomainError as error:
        form.form_errors = [pages.word(error)]
        return show(error.status)
    if done is not None:
        flash(done, "success")
    return redirect(onward, 303)


def run_plain(act: Callable[[], object], done: str, onward: str) -> ResponseReturnValue:
    """Run a step without a form; what cannot be done is said on the page it came from."""
    try:
        act()
    except NotFound:
        raise
    except DomainError as error:
        flash(pages.word(error), "error")
    else:
        flash(done, "success")
    return redirect(onward, 303)


def words_of(form: Any) -> service.Words:
    """Return what was written, with the language of the page."""
    return service.Words(form.words.data or "", language())


def picture_of(form: Any) -> service.Picture | None:
    """Return the file that was chosen, None if there is none."""
    upload: FileStorage | None = form.photo.data
    return service.Picture(upload.read()) if upload is not None and upload.filename else None


def in_time(until: datetime | None, now: datetime) -> bool:
    """Tell whether a deadline runs and is not over."""
    return until is not None and now < until


def chosen_filter(known: Sequence[str]) -> str:
    """Return the filter of the address, the first one where it is unknown."""
    show = request.args.get("show", known[0])
    return show if show in known else known[0]


def tabs(current: str) -> list[dict[str, Any]]:
    """Return the lists that the reader's role has."""
    held = actor().held
    items = (
        ("cases", _("Cases"), DESK),
        ("sanctions", _("Sanctions"), BENCH),
        ("reports", _("Reported by me"), (P.CASE_REPORT,)),
        ("stops", _("Stops for safety"), desk_queries.STOPPING),
    )
    return pages.tabs(
        [
            (url_for(f"permits.{name}"), label, name == current)
            for name, label, permissions in items
            if not held.isdisjoint(permissions)
        ]
    )
