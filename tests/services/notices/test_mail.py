"""Mail by SMTP, spoken to a small server of our own on the loopback address."""

from __future__ import annotations

import email
import email.policy
import socket
import ssl
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

import pytest
import sqlalchemy as sa
from flask import Flask

from tests.factories import World
from training_app import mail
from training_app.accounts.models import PersonProfile
from training_app.db import db, transaction
from training_app.mail import Mailer, ServerAway
from training_app.notices.models import Delivery, Notice
from training_app.outbox import service as outbox
from training_app.settings import Settings


@dataclass
class Sink:
    """Takes mail as a server does, and keeps it."""

    port: int = 0
    offers: str = ""
    refuses: bytes = b""
    mails: list[bytes] = field(default_factory=list)

    def serve(self, listener: socket.socket) -> None:
        while True:
            try:
                connection, _address = listener.accept()
            except OSError:
                return
            with connection, connection.makefile("rb") as lines:
                self._talk(connection, lines)

    def _talk(self, connection: socket.socket, lines: object) -> None:
        connection.sendall(b"220 sink\r\n")
        body: list[bytes] | None = None
        for line in lines:  # type: ignore[attr-defined]
            if body is not None:
                if line == b".\r\n":
                    self.mails.append(b"".join(body))
                    body = None
                    connection.sendall(b"250 kept\r\n")
                else:
                    body.append(line)
                continue
            verb = line[:4].upper()
            if verb == b"DATA":
                body = []
                connection.sendall(b"354 go on\r\n")
            elif verb == b"EHLO":
                connection.sendall(f"250-sink\r\n{self.offers}250 8BITMIME\r\n".encode())
            elif self.refuses and self.refuses in line:
                connection.sendall(b"550 nobody here\r\n")
            elif verb == b"QUIT":
                connection.sendall(b"221 bye\r\n")
                return
            else:
                connection.sendall(b"250 ok\r\n")


@pytest.fixture
def sink() -> Iterator[Sink]:
    sink = Sink()
    with socket.create_server(("127.0.0.1", 0)) as listener:
        sink.port = listener.getsockname()[1]
        thread = threading.Thread(target=sink.serve, args=(listener,), daemon=True)
        thread.start()
        yield sink
        listener.shutdown(socket.SHUT_RDWR)
        thread.join(5)


def _settings(app: Flask, url: str) -> Settings:
    old: Settings = app.extensions["settings"]
    asked = Settings.from_env({"DATA_DIR": str(old.data_dir), "SECRET_KEY": old.secret_key, "SMTP_URL": url})
    return replace(old, smtp=asked.smtp)


def _dispatch(app: Flask, now: datetime) -> None:
    """Dispatch what is due and what follows from it."""
    with app.test_request_context():
        while outbox.dispatch_due(now=now):
            pass


def test_a_notice_is_mailed_once_in_the_readers_language_and_the_delivery_is_logged(
    any_app: Flask, world: World, now: datetime, sink: Sink, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(any_app.extensions, "settings", _settings(any_app, f"smtp://127.0.0.1:{sink.port}"))
    _dispatch(any_app, now)  # what making people sends
    with transaction() as session:
        session.get_one(PersonProfile, world.learner).email = "wang@example.com"
        body = {"person": world.learner, "kind": "certificate_ready", "key": "c/1", "facts": {"number": "C-1"}}
        for repeat in range(2):
            outbox.send("notice", f"notice/c/{repeat}", body, now=now)
    _dispatch(any_app, now)
    assert len(sink.mails) == 1
    sent = email.message_from_bytes(sink.mails[0], policy=email.policy.default)
    assert (sent["To"], sent["Content-Language"]) == ("wang@example.com", "zh-CN")
    assert "王小明" in sent.get_content()  # type: ignore[attr-defined]
    notice = db.session.scalars(sa.select(Notice.id).where(Notice.key == "c/1")).one()
    outcome = sa.select(Delivery.channel, Delivery.outcome).where(Delivery.notice_id == notice)
    assert db.session.execute(outcome).all() == [("mail", "sent")]


def test_a_mail_server_that_is_away_is_logged_and_tried_again(
    any_app: Flask, world: World, now: datetime, sink: Sink, monkeypatch: pytest.MonkeyPatch
) -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        nobody = closed.getsockname()[1]
    monkeypatch.setitem(any_app.extensions, "settings", _settings(any_app, f"smtp://127.0.0.1:{nobody}"))
    with transaction() as session:
        session.get_one(PersonProfile, world.learner).email = "wang@example.com"
        body = {"person": world.learner, "kind": "certificate_ready", "key": "c/2", "facts": {"number": "C-2"}}
        outbox.send("notice", "notice/c/2", body, now=now)
    _dispatch(any_app, now)
    assert set(db.session.scalars(sa.select(Delivery.outcome))) == {"failed"}
    monkeypatch.setitem(any_app.extensions, "settings", _settings(any_app, f"smtp://127.0.0.1:{sink.port}"))
    _dispatch(any_app, now.replace(hour=23))
    db.session.rollback()
    assert set(db.session.scalars(sa.select(Delivery.outcome))) == {"sent"}
    assert sink.mails


def test_a_mail_server_that_hangs_holds_up_one_mail_and_no_notice(
    any_app: Flask, world: World, now: datetime, sink: Sink, monkeypatch: pytest.MonkeyPatch
) -> None:
    _dispatch(any_app, now)
    monkeypatch.setattr(mail, "TIMEOUT_S", 0.2)
    with transaction() as session:
        session.get_one(PersonProfile, world.learner).email = "wang@example.com"
        for one in range(120):  # more than a portion
            body = {"person": world.learner, "kind": "certificate_ready", "key": f"c/{one}", "facts": {}}
            outbox.send("notice", f"notice/c/{one}", body, now=now)
    with socket.create_server(("127.0.0.1", 0)) as silent:  # takes the call and says nothing
        url = f"smtp://127.0.0.1:{silent.getsockname()[1]}"
        monkeypatch.setitem(any_app.extensions, "settings", _settings(any_app, url))
        _dispatch(any_app, now)
        db.session.rollback()
        tried = sa.select(Delivery.outcome)
        assert db.session.scalars(tried).all() == ["failed"]
        mailed = Notice.key.like("c/%")
        assert db.session.scalar(sa.select(sa.func.count()).select_from(Notice).where(mailed)) == 120
        _dispatch(any_app, now + timedelta(seconds=5))
        db.session.rollback()
        assert db.session.scalars(tried).all() == ["failed"]
    monkeypatch.setitem(any_app.extensions, "settings", _settings(any_app, f"smtp://127.0.0.1:{sink.port}"))
    monkeypatch.setattr(mail, "TIMEOUT_S", 20)
    _dispatch(any_app, now + timedelta(seconds=outbox.AWAY_S))
    db.session.rollback()
    assert len(sink.mails) == 120


def test_a_mail_that_the_server_refuses_holds_up_no_other(
    any_app: Flask, world: World, now: datetime, sink: Sink, monkeypatch: pytest.MonkeyPatch
) -> None:
    _dispatch(any_app, now)
    sink.refuses = b"<nobody@example.com>"
    monkeypatch.setitem(any_app.extensions, "settings", _settings(any_app, f"smtp://127.0.0.1:{sink.port}"))
    with transaction() as session:
        for name, address in (("learner", "nobody@example.com"), ("learner2", "li@example.com")):
            session.get_one(PersonProfile, world.people[name]).email = address
            body = {"person": world.people[name], "kind": "certificate_ready", "key": f"c/{name}", "facts": {}}
            outbox.send("notice", f"notice/c/{name}", body, now=now)
    _dispatch(any_app, now)
    db.session.rollback()
    assert len(sink.mails) == 1
    assert set(db.session.scalars(sa.select(Delivery.outcome))) == {"failed", "sent"}


@pytest.mark.parametrize("scheme", ["smtps", "smtp+starttls"])
def test_the_certificate_of_a_mail_server_has_to_be_trusted(
    app: Flask, sink: Sink, scheme: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    contexts: list[ssl.SSLContext] = []

    def take(_self: object, *_a: object, context: ssl.SSLContext | None = None, **_k: object) -> None:
        assert context is not None
        contexts.append(context)
        raise ConnectionAbortedError

    sink.offers = "250-STARTTLS\r\n"
    monkeypatch.setattr("smtplib.SMTP_SSL.__init__", take)
    monkeypatch.setattr("smtplib.SMTP.starttls", take)
    settings = _settings(app, f"{scheme}://user:word@127.0.0.1:{sink.port}")
    mailer = Mailer(folder=settings.mail_dir, sender=settings.mail_from, smtp=settings.smtp)
    with pytest.raises(ServerAway):
        mailer.send(key="k", to="a@example.com", subject="s", text="t", language="en")
    assert [one.verify_mode for one in contexts] == [ssl.CERT_REQUIRED]
