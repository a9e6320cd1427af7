"""The door of every route: a view without a rule is not served.

Views carry their rule by a decorator; one check before every request asks it. What is out of reach answers 404, like
what is missing; a person who is not signed in is led to the sign-in page and back.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from flask import Flask, abort, current_app, request
from flask_login import current_user

from training_app.access.rules import PUBLIC, SIGNED_IN, TOKEN, Door, Permission, opens

View = TypeVar("View", bound=Callable[..., Any])


def public(view: View) -> View:
    """Let anyone in."""
    return _with_door(view, PUBLIC)


def signed_in(view: View) -> View:
    """Let every signed-in person in; the view answers for what is the person's own."""
    return _with_door(view, SIGNED_IN)


def needs(*permissions: Permission) -> Callable[[View], View]:
    """Let in who holds any of `permissions` somewhere; the view's query limits what they reach."""
    return lambda view: _with_door(view, Door("needs", frozenset(permissions)))


def token(view: View) -> View:
    """Let in a program with a token that counts; cookies are not looked at, so that no other site can use them."""
    return _with_door(view, TOKEN)


def door_of(app: Flask, endpoint: str) -> Door | None:
    """Return the rule of an endpoint, None if it has none (it is then never served)."""
    return getattr(app.view_functions[endpoint], "__door__", None)


def install(app: Flask) -> None:
    """Ask the door before every request."""

    @app.before_request
    def ask_the_door() -> Any:
        if request.endpoint is None:
            return None  # unknown address: the 404 page
        door = door_of(current_app, request.endpoint)
        if door is None:
            abort(404)
        if door == TOKEN:
            current_app.extensions["bearer"]()
            return None
        if opens(door, signed_in=current_user.is_authenticated, held=getattr(current_user, "held", frozenset())):
            return None
        if current_user.is_authenticated:
            abort(404)
        return current_app.login_manager.unauthorized()  # type: ignore[attr-defined]


def _with_door(view: View, door: Door) -> View:
    view.__door__ = door  # type: ignore[attr-defined]
    return view
