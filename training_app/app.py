"""Wiring: settings in, application out. No rule and no query stands here."""

from __future__ import annotations

import gzip
import secrets
from functools import lru_cache
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import structlog
from flask import Flask, Response, abort, current_app, g, jsonify, redirect, render_template, request, url_for
from flask_babel import Babel, gettext
from flask_login import LoginManager, current_user
from flask_migrate import Migrate
from flask_wtf.csrf import CSRFError, CSRFProtect
from sqlalchemy.exc import OperationalError
from werkzeug.exceptions import HTTPException
from werkzeug.middleware.proxy_fix import ProxyFix
from werkzeug.wrappers import Response as WerkzeugResponse

from training_app import cli, clock, intake, logs, page_script, rooms, styleguide, web, wiring
from training_app.access import guards
from training_app.access.rules import TOKEN
from training_app.accounts import sign_in
from training_app.calendar.rules import legal_day
from training_app.content import registry
from training_app.credentials import print_service as prints
from training_app.db import configure_engine, db
from training_app.demonstration import service as demonstration
from training_app.errors import DomainError, NotFound
from training_app.home import guide_views, guides
from training_app.jobs import queue as job_queue
from training_app.jobs import service as jobs
from training_app.outbox import service as outbox
from training_app.settings import Settings
from training_app.storage import service as storage

ROOT = Path(__file__).resolve().parent.parent
migrate = Migrate(render_as_batch=True, compare_type=True)
csrf = CSRFProtect()
babel = Babel()
login_manager = LoginManager()
log = structlog.get_logger()
_SQUEEZED = frozenset({"text/css", "text/javascript", "image/svg+xml"})
_AGAIN_S = {429: 60, 503: 10}  # when to ask again, where the refusal itself does not know better


def create_app(settings: Settings | None = None) -> Flask:
    """Return the application for these settings (default: from the environment)."""
    settings = settings or Settings.from_env()
    logs.configure()
    app = Flask(
        "training_app",
        root_path=str(ROOT),
        static_folder=str(ROOT / "static"),
        template_folder=str(ROOT / "templates"),
    )
    app.config.update(_flask_config(settings))
    app.url_map.converters["word"] = web.Word
    app.extensions["settings"] = settings
    clock.use_offset_file(settings.test_clock)
    storage.use_root(settings.data_dir / "blobs")
    prints.use_folder(settings.data_dir / "once")
    _name_requests(app)
    intake.install(app)
    _database(app)
    _rooms(app)
    _languages(app)
    _sign_in(app)
    _jobs(app, settings)
    _pages(app, settings)
    styleguide.install(app, settings.environment)
    guards.install(app)
    cli.register(app)
    if settings.proxy_hops:
        app.wsgi_app = ProxyFix(app.wsgi_app, x_for=settings.proxy_hops, x_proto=1, x_host=0)  # type: ignore[method-assign]
    return app


def settings_of(app: Flask) -> Settings:
    """Return the settings the application was made with."""
    settings: Settings = app.extensions["settings"]
    return settings


def _flask_config(settings: Settings) -> dict[str, Any]:
    secure = urlsplit(settings.public_url).scheme == "https"
    config: dict[str, Any] = {
        "SECRET_KEY": settings.secret_key,
        "SQLALCHEMY_DATABASE_URI": settings.database_url,
        "SESSION_COOKIE_NAME": "__Host-training" if secure else "training",
        "SESSION_COOKIE_SECURE": secure,
        "SESSION_COOKIE_HTTPONLY": True,
        "SESSION_COOKIE_SAMESITE": "Lax",
        "MAX_CONTENT_LENGTH": 16 * 1024 * 1024,
        "MAX_FORM_MEMORY_SIZE": 2 * 1024 * 1024,
        "WTF_CSRF_TIME_LIMIT": None,
        "WTF_CSRF_SSL_STRICT": False,
        "BABEL_DEFAULT_LOCALE": "zh",
        "BABEL_DEFAULT_TIMEZONE": "Asia/Shanghai",
        "BABEL_TRANSLATION_DIRECTORIES": str(ROOT / "translations"),
        "PUBLIC_URL": settings.public_url,
        "TESTING": settings.environment == "test",
    }
    # A driver's message would carry what was to be written, names and words, into the log.
    engine: dict[str, Any] = {"hide_parameters": True}
    if settings.database_url.startswith("postgresql"):
        engine |= {"pool_pre_ping": True, "pool_size": 10, "max_overflow": 10}
    config["SQLALCHEMY_ENGINE_OPTIONS"] = engine
    return config


def _name_requests(app: Flask) -> None:
    @app.before_request
    def name_the_request() -> None:  # the first of all: whatever refuses a request later says its name
        g.request_id = secrets.token_hex(8)


def _database(app: Flask) -> None:
    rooms.parts("models")
    db.init_app(app)
    migrate.init_app(app, db, directory=str(ROOT / "migrations"))
    with app.app_context():
        configure_engine(db.engine)


def _rooms(app: Flask) -> None:
    for module in rooms.parts("content"):
        registry.register(module.KINDS, getattr(module, "cross_check", None), getattr(module, "measure", None))
    rooms.parts("handlers")
    rooms.parts("tasks")
    wiring.connect()
    nav: list[web.NavItem] = []
    user_links: list[web.NavItem] = []
    for module in rooms.parts("views"):
        app.register_blueprint(module.bp)
        nav += getattr(module, "NAV", ())
        user_links += getattr(module, "USER_LINKS", ())
    app.extensions["nav"] = sorted(nav, key=lambda item: item.order)
    app.extensions["user_links"] = sorted(user_links, key=lambda item: item.order)
    guards.public(app.view_functions["static"])


def _languages(app: Flask) -> None:
    babel.init_app(app, locale_selector=web.language)
    app.jinja_env.add_extension("jinja2.ext.i18n")
    app.jinja_env.install_gettext_callables(  # type: ignore[attr-defined]
        gettext=lambda text: web.translations().ugettext(text),
        ngettext=lambda one, many, count: web.translations().ungettext(one, many, count),
        newstyle=True,
    )
    app.jinja_env.filters.update(
        pick=web.pick,
        kept=web.kept,
        unit_word=web.unit_word,
        day=web.day,
        due_day=lambda value: web.due_day(value, clock.now()),
        span=lambda start, end: web.span(start, end, clock.now()),
        through=web.through,
        last_day=web.last_day_of,
        when=lambda value: web.when(value, now=clock.now()),
        moment=web.moment,
        in_days=lambda value: web.in_days(value, clock.now()),
    )
    app.jinja_env.globals.update(url_for=web.address, draw_icon=web.icon, _=web.sentence, gettext=web.sentence)
    app.jinja_env.globals["page_script"] = page_script.TAG
    app.jinja_env.globals["explained"] = guides.WORDS.__getitem__
    app.jinja_env.trim_blocks = app.jinja_env.lstrip_blocks = True


def _sign_in(app: Flask) -> None:
    csrf.init_app(app)
    for view in app.view_functions.values():
        if getattr(view, "__door__", None) == TOKEN:
            csrf.exempt(view)  # no cookie is read behind this door: another site has nothing to use
    login_manager.init_app(app)
    login_manager.session_protection = None  # the server-side session row decides, not a guess by address

    @login_manager.user_loader
    def load(token: str) -> sign_in.Actor | None:
        now = clock.now()
        db.session.rollback()  # a request reads as of its own beginning, and what it reads once it keeps until its end
        return sign_in.load_actor(db.session(), token, now=now, on=legal_day(now, "Asia/Shanghai"))

    @login_manager.unauthorized_handler
    def unauthorized() -> WerkzeugResponse:
        if _wants_json() or request.method not in ("GET", "HEAD"):
            abort(401)
        return redirect(url_for("accounts.sign_in", next=request.full_path.rstrip("?")))


def _jobs(app: Flask, settings: Settings) -> None:
    queue = job_queue.make_queue(settings.data_dir, settings.redis_url, settings.secret_key)

    def run(job_id: int) -> None:
        with app.app_context():
            jobs.run(job_id)

    send = job_queue.add_runner(queue, run)
    app.extensions["queue"] = queue

    @outbox.consumer(jobs.TOPIC)
    def queue_job(body: Any, _now: Any) -> None:
        send(int(body["job"]))


def _pages(app: Flask, settings: Settings) -> None:
    @app.after_request
    def add_headers(response: Response) -> Response:
        return _squeezed(_with_headers(response, https=settings.public_url.startswith("https:")))

    @app.context_processor
    def shared() -> dict[str, Any]:
        if web.is_api():  # nobody is signed in there: cookies are not read
            return {"lang": "zh-CN" if web.language() == "zh" else "en", "now": clock.now()}
        return {
            "lang": "zh-CN" if web.language() == "zh" else "en",
            "actor": current_user if current_user.is_authenticated else None,
            "nav_items": _nav(app),
            "user_name": web.actor().name if current_user.is_authenticated else "",
            "user_links": _user_links(app),
            "now": clock.now(),
            "visit": _visit(),
            "is_demo": demonstration.is_on(),
        }

    app.register_error_handler(DomainError, _domain_error)
    app.register_error_handler(CSRFError, _stale_page)
    app.register_error_handler(HTTPException, _refused)
    app.register_error_handler(OperationalError, _database_away)
    app.register_error_handler(Exception, _unexpected)


def _visit() -> guide_views.Visit | None:
    """Return where the guided first visit is, if somebody is on it."""
    mark = request.args.get("first", "")
    return guide_views.visit_of(mark) if mark and current_user.is_authenticated else None


def _nav(app: Flask) -> list[dict[str, Any]]:
    if not current_user.is_authenticated:
        return []
    held = web.actor().held
    shown = [item for item in app.extensions["nav"] if not item.permissions or not held.isdisjoint(item.permissions)]
    links = [web.address(item.endpoint) for item in shown]
    pages = [[link, *item.below] for link, item in zip(links, shown, strict=True)]
    current = web.current_of(pages, request.path)
    return [
        {
            "href": link,
            "label": str(item.label),
            "icon": item.icon,
            "current": None if index != current else "page" if link == request.path else "true",
        }
        for index, (link, item) in enumerate(zip(links, shown, strict=True))
    ]


def _user_links(app: Flask) -> list[dict[str, Any]]:
    if not current_user.is_authenticated:
        return []
    return [
        {"href": web.address(item.endpoint), "label": str(item.label), "icon": item.icon}
        for item in app.extensions["user_links"]
    ]


def _squeezed(response: Response) -> Response:
    """Send styles, scripts and drawings of ours compressed: they are two thirds of what a page weighs.

    Pages are not: what is secret in them could be guessed from their length and from what was asked for.
    """
    if request.endpoint != "static" or response.mimetype not in _SQUEEZED:
        return response
    response.vary.add("Accept-Encoding")
    tag, _weak = response.get_etag()
    if response.status_code == 200 and tag and request.accept_encodings.best_match(["gzip"]):
        response.direct_passthrough = False
        response.set_data(_gzip(tag, response.get_data()))
        response.headers["Content-Encoding"] = "gzip"
        response.set_etag(tag, weak=True)
    return response


@lru_cache(maxsize=128)
def _gzip(_tag: str, data: bytes) -> bytes:
    return gzip.compress(data, 9, mtime=0)


def _with_headers(response: Response, *, https: bool) -> Response:
    headers = response.headers
    headers.setdefault(
        "Content-Security-Policy",
        f"default-src 'none'; script-src 'self' {page_script.POLICY_WORD}; style-src 'self'; "
        "img-src 'self' data: blob:; font-src 'self'; "
        "connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'; manifest-src 'self'",
    )
    headers.setdefault("X-Content-Type-Options", "nosniff")
    headers.setdefault("Referrer-Policy", "same-origin")
    headers.setdefault("X-Frame-Options", "DENY")
    headers.setdefault("Permissions-Policy", "geolocation=(), microphone=(), camera=()")
    if https:
        headers.setdefault("Strict-Transport-Security", "max-age=31536000; includeSubDomains")
    # Files and pages are private; only what is named by its own content may stay in a cache.
    if request.endpoint != "static" and "immutable" not in headers.get("Cache-Control", ""):
        headers["Cache-Control"] = "no-store"
    headers["X-Request-Id"] = g.get("request_id", "")
    if response.status_code in _AGAIN_S:
        headers.setdefault("Retry-After", str(_AGAIN_S[response.status_code]))
    return response


def _wants_json() -> bool:
    return request.is_json or request.accept_mimetypes.best == "application/json"


def _domain_error(error: DomainError) -> tuple[Any, int, dict[str, str]]:
    words = gettext(error.message, **error.values)
    if web.is_api():
        return *current_app.extensions["problem"](error.status, words, error.code, error.sent_field), error.headers
    return *_error_page(error.status, words, code=error.code), error.headers


def _refused(error: HTTPException) -> tuple[Any, int, dict[str, str]]:
    said = {name: value for name, value in error.get_headers() if name in ("Allow", "Retry-After")}
    return *_error_page(error.code or 500, None), said


def _stale_page(_error: CSRFError) -> tuple[Any, int]:
    words = gettext("This page was open too long. Go back, reload it and send it again: what you typed is still there.")
    return _error_page(400, words)


def _database_away(error: OperationalError) -> tuple[Any, int]:
    log.exception("database away", request_id=g.get("request_id"))
    db.session.rollback()
    return _error_page(503, None, code="try_again")


def _unexpected(error: Exception) -> tuple[Any, int]:
    log.exception("unexpected error", request_id=g.get("request_id"))
    db.session.rollback()
    if request.environ.get("werkzeug.debug.preserve_context"):
        raise error
    return _error_page(500, None)


def _error_page(status: int, message: str | None, code: str | None = None) -> tuple[Any, int]:
    if web.is_api():
        if status == NotFound.status:  # an address that is none reads like a permit that is none
            message, code = message or gettext(NotFound.message), NotFound.code
        words = message or gettext("Nothing was changed. See /api/v1/ for what can be asked and how.")
        answer: tuple[Any, int] = current_app.extensions["problem"](status, words, code or f"http_{status}")
        return answer
    if _wants_json():
        body = {
            "status": status,
            "code": code or f"http_{status}",
            "detail": message,
            "request_id": g.get("request_id"),
        }
        return jsonify({k: v for k, v in body.items() if v is not None}), status
    known = {400, 403, 404, 409, 413, 422, 429, 500, 503}
    template = f"errors/{status if status in known else (404 if status < 500 else 500)}.html"
    return render_template(template, message=message, status=status, request_id=g.get("request_id")), status
