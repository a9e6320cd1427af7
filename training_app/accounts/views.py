"""Signing in and out, the language, one's own sign-in settings."""

from __future__ import annotations

from flask import Blueprint, current_app, flash, redirect, render_template, request, session, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_login import current_user, login_user, logout_user
from werkzeug.exceptions import HTTPException
from werkzeug.routing import RequestRedirect

from training_app import clock
from training_app.access.guards import public, signed_in
from training_app.accounts import queries, service
from training_app.accounts import sign_in as signing
from training_app.accounts.forms import ChangePasswordForm, NewPasswordForm, SignInForm
from training_app.accounts.rules import LinkPurpose
from training_app.calendar.rules import legal_day
from training_app.errors import DomainError
from training_app.web import NavItem, actor
from training_app.web import session as read_session

bp = Blueprint("accounts", __name__)
USER_LINKS = (NavItem(label=_l("Password and devices"), endpoint="accounts.change_password", icon="lock", order=40),)


@bp.route("/sign-in", methods=["GET", "POST"])
@public
def sign_in() -> ResponseReturnValue:
    """Sign in by employee number and password; a visitor who is signed in goes on."""
    form = SignInForm(next=request.args.get("next", ""))
    if current_user.is_authenticated:
        return redirect(_after_sign_in(form.next.data))
    if not form.validate_on_submit():
        return render_template("accounts/sign_in.html", form=form), 422 if request.method == "POST" else 200
    now = clock.now()
    try:
        token, person_id, language = signing.sign_in(
            form.number.data, form.password.data, address=request.remote_addr or "", device=str(request.user_agent),
            now=now,
        )  # fmt: skip
    except DomainError as error:
        form.password.errors = [_(error.message, **error.values)]
        return render_template("accounts/sign_in.html", form=form), error.status, error.headers
    session.clear()  # a new session and a new CSRF token: nothing of the visitor's cookie lives on
    login_user(signing.Actor(person_id, token, "", "", language, ()))
    return redirect(_after_sign_in(form.next.data))


@bp.post("/sign-out")
@signed_in
def sign_out() -> ResponseReturnValue:
    """End this session, on the server too."""
    signing.sign_out(actor().token, now=clock.now())
    logout_user()
    session.clear()
    return redirect(url_for("accounts.sign_in"))


@bp.post("/sign-out-everywhere")
@signed_in
def sign_out_everywhere() -> ResponseReturnValue:
    """End every session of the signed-in person."""
    signing.sign_out_everywhere(actor().person_id, now=clock.now())
    logout_user()
    session.clear()
    flash(_("You are signed out on every device."), "success")
    return redirect(url_for("accounts.sign_in"))


@bp.post("/language")
@public
def set_language() -> ResponseReturnValue:
    """Switch the language of the interface; what was typed is kept by the page itself."""
    language = request.form.get("lang", "").partition("-")[0]  # "zh-CN" is how a page names it
    response = redirect(_after_sign_in(request.form.get("next", "")))
    if language in ("zh", "en"):
        if current_user.is_authenticated:
            service.set_language(actor().person_id, language, now=clock.now())
        response.set_cookie(
            "lang", language, max_age=365 * 24 * 3600, samesite="Lax", secure=request.is_secure, httponly=True
        )
    return response


@bp.route("/welcome/<token>", methods=["GET", "POST"])
@public
def redeem(token: str) -> ResponseReturnValue:
    """Set a password by a single-use link (invitation or reset)."""
    now = clock.now()
    try:
        person_id, purpose = signing.find_link(read_session(), token, now=now)
    except signing.DeadLink as error:
        return render_template("accounts/dead_link.html"), error.status
    card = queries.get_card(read_session(), person_id, legal_day(now, "Asia/Shanghai"))
    form = NewPasswordForm()
    status = 422 if request.method == "POST" else 200
    if form.validate_on_submit():
        try:
            signing.redeem_link(token, form.password.data, now=now)
        except signing.WeakPassword as error:
            form.password.errors = [_(error.message)]
        except signing.DeadLink as error:
            return render_template("accounts/dead_link.html"), error.status
        else:
            flash(_("Your password is set. Sign in with it now."), "success")
            return redirect(url_for("accounts.sign_in"))
    invited = purpose is LinkPurpose.INVITE
    return render_template("accounts/redeem.html", form=form, card=card, invited=invited), status


@bp.route("/me/password", methods=["GET", "POST"])
@signed_in
def change_password() -> ResponseReturnValue:
    """Change one's own password; every session ends."""
    form = ChangePasswordForm()
    status = 422 if request.method == "POST" else 200
    if form.validate_on_submit():
        me = actor()
        try:
            signing.change_password(
                me.person_id, me.number, form.old.data, form.password.data, address=request.remote_addr or "",
                now=clock.now(),
            )  # fmt: skip
        except signing.WeakPassword as error:
            form.password.errors = [_(error.message)]
        except DomainError as error:
            form.old.errors = [_(error.message, **error.values)]
        else:
            logout_user()
            session.clear()
            flash(_("Your password is changed. Sign in with the new one."), "success")
            return redirect(url_for("accounts.sign_in"))
    return render_template("accounts/password.html", form=form), status


def _after_sign_in(target: str | None) -> str:
    """Return `target` if it is one of our own GET routes, else the first page."""
    path = (target or "").split("?")[0]
    if path.startswith("/") and not path.startswith(("//", "/\\")):
        try:
            current_app.create_url_adapter(request).match(path, method="GET")  # type: ignore[union-attr]
        except (HTTPException, RequestRedirect):
            pass
        else:
            return str(target)
    return url_for("home.index")
