"""Settings: one frozen value, read once from the environment; a wrong one stops the start with one line."""

from __future__ import annotations

import os
import secrets
import shutil
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from ipaddress import ip_address
from pathlib import Path
from urllib.parse import SplitResult, quote, unquote, urlsplit

HOST = "127.0.0.1"
SHORTEST_SECRET_KEY = 32
SHORTEST_DEMO_PASSWORD = 8
_YES, _NO = ("1", "true", "yes", "on"), ("0", "false", "no", "off")
_SMTP_PORTS = {"smtp": 25, "smtp+starttls": 587, "smtps": 465}


class SettingsError(ValueError):
    """A setting cannot be used; the text is one line for the person who starts the product."""


class Environment(StrEnum):
    """Where the product runs; production refuses whatever exists for tests only."""

    DEVELOPMENT = "development"
    PRODUCTION = "production"
    TEST = "test"


@dataclass(frozen=True, kw_only=True)
class SmtpServer:
    """A mail server; without one, mail is written into a folder."""

    host: str
    port: int
    username: str | None = None
    password: str | None = field(default=None, repr=False)
    starttls: bool = False
    tls: bool = False


@dataclass(frozen=True, kw_only=True)
class Settings:
    """All settings of one process; made by `from_env`, which checks them."""

    data_dir: Path
    database_url: str = field(repr=False)
    redis_url: str | None = field(default=None, repr=False)
    host: str = HOST
    port: int = 8000
    public_url: str = f"http://{HOST}:8000"
    environment: Environment = Environment.DEVELOPMENT
    demo: bool = True
    demo_people: int = 300
    demo_password: str | None = field(default=None, repr=False)
    secret_key: str = field(repr=False)
    test_clock: Path | None = None
    smtp: SmtpServer | None = None
    mail_from: str = "training@localhost"
    proxy_hops: int = 0
    api_token_days: int = 365
    workers: int = 2
    chromium: Path | None = None

    @classmethod
    def from_env(cls, environ: Mapping[str, str] | None = None) -> Settings:
        """Read the settings from `environ` (default: the process's own); an empty value counts as unset.

        Creates DATA_DIR and, unless SECRET_KEY is given, `keys/secret_key` in it (readable by the owner only).
        Raises SettingsError with one line that names the variable, its value and what is allowed.
        """
        read = _Reader(os.environ if environ is None else environ)
        environment = Environment(read.choice("APP_ENV", tuple(Environment), Environment.DEVELOPMENT))
        data_dir = read.data_dir()
        host = read.listen_address()
        port = read.number("PORT", 8000, 1, 65535)
        return cls(
            data_dir=data_dir,
            database_url=read.database_url(data_dir),
            redis_url=read.redis_url(),
            host=host,
            port=port,
            public_url=read.public_url(port),
            environment=environment,
            demo=read.yes_or_no("DEMO", default=environment is not Environment.PRODUCTION),
            demo_people=read.number("DEMO_PEOPLE", 300, 28, 900),
            demo_password=read.demo_password(),
            test_clock=read.test_clock(environment),
            smtp=read.smtp(),
            mail_from=read.mail_from(),
            proxy_hops=read.number("PROXY_HOPS", 0, 0, 5),
            api_token_days=read.number("API_TOKEN_DAYS", 365, 1, 1095),
            workers=read.number("WORKERS", 2, 1, 64),
            chromium=read.chromium(),
            # Last: it may write a file, and a start that is refused leaves nothing behind.
            secret_key=read.secret_key(data_dir),
        )

    @property
    def is_sqlite(self) -> bool:
        """Tell whether the main database is the embedded one."""
        return self.database_url.startswith("sqlite")

    @property
    def is_secure(self) -> bool:
        """Tell whether people reach us by https; cookie name, Secure and HSTS follow from it."""
        return self.public_url.startswith("https://")

    @property
    def public_host(self) -> str:
        """Return host and, if it is not the scheme's own, port of `public_url`."""
        return urlsplit(self.public_url).netloc

    @property
    def mail_dir(self) -> Path:
        """Return the folder that takes the mail while no SMTP_URL is set."""
        return self.data_dir / "mail"

    @property
    def demo_accounts_path(self) -> Path:
        """Return the file that keeps the demo addresses and the generated password."""
        return self.data_dir / "demo-accounts.txt"


class _Reader:
    """Read single variables; each method raises SettingsError with the line to show."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        self._environ = environ

    def text(self, name: str) -> str | None:
        return self._environ.get(name, "").strip() or None

    def choice(self, name: str, allowed: tuple[str, ...], default: str) -> str:
        value = self.text(name) or default
        if value not in allowed:
            raise _wrong(name, value, f"one of {', '.join(str(one) for one in allowed)}")
        return value

    def number(self, name: str, default: int, low: int, high: int) -> int:
        value = self.text(name)
        if value is None:
            return default
        # isdecimal() alone would let other scripts' digits through.
        if not (value.isascii() and value.isdecimal() and len(value) <= 9 and low <= int(value) <= high):
            raise _wrong(name, value, f"a whole number from {low} to {high}")
        return int(value)

    def yes_or_no(self, name: str, *, default: bool) -> bool:
        value = self.text(name)
        if value is None:
            return default
        if value.lower() not in _YES + _NO:
            raise _wrong(name, value, "1 or 0")
        return value.lower() in _YES

    def data_dir(self) -> Path:
        value = self.text("DATA_DIR") or "data"
        path = Path(value).expanduser().absolute()
        if "?" in value:  # would end the path inside the database's URL
            raise _wrong("DATA_DIR", value, "a folder without a question mark in its name")
        try:
            path.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            reason = (error.strerror or "not usable").lower()
            raise _wrong("DATA_DIR", value, f"a folder that can be made ({reason})") from None
        if not os.access(path, os.W_OK | os.X_OK):
            raise _wrong("DATA_DIR", value, "a folder that this user may write to")
        return path

    def listen_address(self) -> str:
        value = self.text("HOST") or HOST
        try:
            return str(ip_address(value))
        except ValueError:
            raise _wrong("HOST", value, f"an IP address to listen on, such as {HOST}") from None

    def database_url(self, data_dir: Path) -> str:
        value = self.text("DATABASE_URL")
        if value is None:
            return f"sqlite:///{data_dir / 'app.db'}"
        allowed = "sqlite:////absolute/path.db or postgresql://user:password@host:port/name"
        parts = _split(value)
        if parts is None:
            raise _wrong("DATABASE_URL", None, allowed)
        if parts.scheme == "sqlite":
            if parts.netloc or not parts.path.startswith("//") or parts.path.endswith("/"):
                raise _wrong("DATABASE_URL", value, allowed)
            return value
        if parts.scheme in ("postgres", "postgresql", "postgresql+psycopg"):
            if not parts.path.strip("/"):
                raise _wrong("DATABASE_URL", _shown(parts), allowed)
            return "postgresql+psycopg://" + value.partition("://")[2]
        raise _wrong("DATABASE_URL", _shown(parts), allowed)

    def redis_url(self) -> str | None:
        value = self.text("REDIS_URL")
        if value is None:
            return None
        allowed = "redis://host:6379/0, rediss://… or unix:///path"
        parts = _split(value)
        if parts is None:
            raise _wrong("REDIS_URL", None, allowed)
        reachable = parts.path if parts.scheme == "unix" else parts.hostname
        if parts.scheme not in ("redis", "rediss", "unix") or not reachable:
            raise _wrong("REDIS_URL", _shown(parts), allowed)
        return value

    def public_url(self, port: int) -> str:
        value = self.text("PUBLIC_URL")
        if value is None:
            return f"http://{HOST}:{port}"
        allowed = "an address such as https://training.example.com, without path"
        parts = _split(value)
        if parts is None:
            raise _wrong("PUBLIC_URL", None, allowed)
        extra = parts.path.strip("/") or parts.query or parts.fragment or parts.username or parts.password
        if parts.scheme not in ("http", "https") or not parts.hostname or extra:
            raise _wrong("PUBLIC_URL", _shown(parts), allowed)
        if parts.scheme == "http" and not _is_loopback(parts.hostname):
            raise _wrong("PUBLIC_URL", _shown(parts), "https://… (plain http only on 127.0.0.1 or localhost)")
        return f"{parts.scheme}://{parts.netloc.lower()}"

    def demo_password(self) -> str | None:
        value = self.text("DEMO_PASSWORD")
        if value is not None and len(value) < SHORTEST_DEMO_PASSWORD:
            raise _wrong("DEMO_PASSWORD", None, f"at least {SHORTEST_DEMO_PASSWORD} characters")
        return value

    def test_clock(self, environment: Environment) -> Path | None:
        """Return the file that moves the clock; only tests, and development that asks for it, may have one."""
        value = self.text("TEST_CLOCK")
        if value is None:
            return None
        asked = self.yes_or_no("ALLOW_TEST_CLOCK", default=False)
        if environment is Environment.PRODUCTION:
            raise _wrong("TEST_CLOCK", value, "unset: production keeps the real time")
        if environment is Environment.DEVELOPMENT and not asked:
            raise _wrong("TEST_CLOCK", value, "unset, unless APP_ENV=test or ALLOW_TEST_CLOCK=1")
        path = Path(value).expanduser().absolute()
        if not path.parent.is_dir() or path.is_dir():
            raise _wrong("TEST_CLOCK", value, "a file in a folder that exists")
        return path

    def smtp(self) -> SmtpServer | None:
        value = self.text("SMTP_URL")
        if value is None:
            return None
        allowed = "smtp://host:25, smtp+starttls://user:password@host:587 or smtps://user:password@host:465"
        parts = _split(value)
        if parts is None:
            raise _wrong("SMTP_URL", None, allowed)
        if parts.scheme not in _SMTP_PORTS or not parts.hostname or parts.path.strip("/"):
            raise _wrong("SMTP_URL", _shown(parts), allowed)
        if parts.username and parts.scheme == "smtp" and not _is_loopback(parts.hostname):
            raise _wrong("SMTP_URL", _shown(parts), "smtps:// or smtp+starttls:// where there is a password")
        return SmtpServer(
            host=parts.hostname,
            port=parts.port or _SMTP_PORTS[parts.scheme],
            username=unquote(parts.username) if parts.username else None,
            password=unquote(parts.password) if parts.password else None,
            starttls=parts.scheme == "smtp+starttls",
            tls=parts.scheme == "smtps",
        )

    def mail_from(self) -> str:
        value = self.text("MAIL_FROM") or "training@localhost"
        name, at, domain = value.partition("@")
        if not (name and at and domain) or "@" in domain or not value.isprintable() or " " in value:
            raise _wrong("MAIL_FROM", value, "an address such as training@example.com")
        return value

    def chromium(self) -> Path | None:
        """Return the browser for journeys: the one named, else the one installed, else None."""
        value = self.text("CHROMIUM")
        if value is None:
            found = shutil.which("chromium") or shutil.which("chromium-browser")
            return Path(found) if found else None
        found = shutil.which(Path(value).expanduser())
        if found is None:
            raise _wrong("CHROMIUM", value, "the path of a program that can be run")
        return Path(found)

    def secret_key(self, data_dir: Path) -> str:
        value = self.text("SECRET_KEY")
        if value is not None:
            if len(value) < SHORTEST_SECRET_KEY:
                raise _wrong("SECRET_KEY", None, f"at least {SHORTEST_SECRET_KEY} characters")
            return value
        return _kept_secret_key(data_dir / "keys")


def _kept_secret_key(folder: Path) -> str:
    """Return the key kept in `folder`, made at the first start; many processes may start at once."""
    path = folder / "secret_key"
    try:
        folder.mkdir(mode=0o700, exist_ok=True)
        if not path.exists():
            draft = folder / f".secret_key-{secrets.token_hex(8)}"
            descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with os.fdopen(descriptor, "w") as file:
                file.write(secrets.token_urlsafe(48))
            try:
                # A link is whole or not there: of two first starts, the slower takes the quicker one's key.
                os.link(draft, path)
            except FileExistsError:
                pass
            finally:
                draft.unlink()
        key = path.read_text().strip()
    except OSError as error:
        reason = (error.strerror or "not usable").lower()
        raise SettingsError(f"SECRET_KEY is not set and {path} cannot be used: {reason}.") from None
    if len(key) < SHORTEST_SECRET_KEY:
        raise SettingsError(f"{path} is damaged: restore it from a backup, or delete it (all sign-ins end).")
    return key


def _wrong(name: str, value: str | None, allowed: str) -> SettingsError:
    """Word a refusal; `value` is None where it may hold a secret."""
    shown = "has a wrong value" if value is None else f"is {_one_line(value)!r}"
    return SettingsError(f"{name} {shown}; allowed: {allowed}.")


def _one_line(value: str) -> str:
    return value if len(value) <= 120 else value[:117] + "…"


def _split(value: str) -> SplitResult | None:
    """Split a URL; None where it is none, or where its port is no port."""
    try:
        parts = urlsplit(value)
        _ = parts.port
    except ValueError:
        return None
    if not parts.scheme or any(one.isspace() or not one.isprintable() for one in value):
        return None
    return parts


def _shown(parts: SplitResult) -> str:
    """Give a URL back without user, password and query, which may be secrets."""
    host = parts.netloc.rpartition("@")[2]
    hidden = "…@" if "@" in parts.netloc else ""
    return f"{parts.scheme}://{hidden}{host}{quote(parts.path, safe='/:%+')}"


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False
