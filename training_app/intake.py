"""What comes in with a request, looked at before any view: text that no database keeps, numbers that no key reaches.

PostgreSQL refuses the NUL character and neither database takes a lone surrogate, so that a view would fail in the
middle of its work. One check here answers for every door, the ones to come included.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from flask import Flask, current_app, request
from flask_login import current_user
from werkzeug.routing import IntegerConverter

from training_app.errors import DomainError

MOST_KEY = 2**63 - 1  # the largest primary key of either database
_UNKEEPABLE = re.compile("[\x00\ud800-\udfff]")


class Unreadable(DomainError):
    """The request holds characters that cannot be kept."""

    status = 400
    code = "unreadable_text"
    message = (
        "What was sent contains characters that cannot be kept, such as an invisible control character. Nothing was "
        "changed. Go back, type the text anew instead of pasting it, and send it again."
    )


class NotJson(DomainError):
    """JSON where a form is taken, or nested without end."""

    status = 400
    code = "not_json"
    message = "This address cannot take what was sent in this form. Nothing was changed."


class KeyConverter(IntegerConverter):
    """A number in an address that can be a key: what is larger leads nowhere, like what is missing."""

    def __init__(self, map: Any, **given: Any) -> None:
        super().__init__(map, **{"max": MOST_KEY, **given})


def install(app: Flask) -> None:
    """Look at every request before its view; comes before the rooms are registered, whose addresses it reads."""
    app.url_map.converters["int"] = KeyConverter

    @app.before_request
    def look() -> None:
        _widen()
        if request.is_json and not _is_json_taken():
            raise NotJson()
        if any(_UNKEEPABLE.search(text) for text in _texts()):
            raise Unreadable()


def _widen() -> None:
    """Raise the limit of this request before anything of its body is read."""
    taken = getattr(current_app.view_functions.get(request.endpoint or ""), "__takes_bytes__", None)
    if taken and request.method == "POST" and current_user.is_authenticated and current_user.has(taken[1]):
        request.max_content_length = taken[0]


def _is_json_taken() -> bool:
    """Tell whether the door takes JSON, and it can be read; forms take none, whose values could be of any type."""
    view = current_app.view_functions.get(request.endpoint or "")
    try:
        request.get_json(silent=True)
    except RecursionError:
        return False
    return hasattr(view, "__takes_json__")


def _texts() -> Iterator[str]:
    """Yield every text of the request: address, query, form, names of files.

    JSON is judged by its door: a device sends again what was refused, so that odd characters are left out there.
    """
    if "code" not in (request.view_args or {}):  # pages behind a code answer a malformed one like an unknown one
        yield request.path
    for values in (request.args, request.form):
        for name, value in values.items(multi=True):
            yield name
            yield value
    for name, upload in request.files.items(multi=True):
        yield name
        yield upload.filename or ""
