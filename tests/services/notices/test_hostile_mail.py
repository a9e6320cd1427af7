"""Mail whose names and words are hostile: one address, our headers, plain words in the order they were written."""

from __future__ import annotations

import email
import email.policy
import re
from datetime import datetime
from email.message import EmailMessage
from pathlib import Path

import pytest
import sqlalchemy as sa
from flask import Flask

from tests.factories import World
from training_app.accounts.models import PersonProfile
from training_app.accounts.people_rules import contact_fault
from training_app.app import settings_of
from training_app.db import db, transaction
from training_app.mail import Mailer, Unsendable
from training_app.notices.models import Delivery, Notice
from training_app.notices.wording import WORDS
from training_app.outbox import service as outbox
from training_app.outbox.models import OutboxMessage

HEADERS = {
    "From", "To", "Subject", "Message-ID", "Auto-Submitted", "MIME-Version", "Content-Type", "Content-Language",
    "Content-Transfer-Encoding",
}  # fmt: skip
MARKUP = '<img src=x onerror=alert(1)>&amp;<b>王</b> "co" {{7*7}} %(number)s'
INJECTION = "Hello\r\nBcc: evil@example.com\r\n\r\n<html>words of another</html>\n.\r\nRSET"
TURNED = "\u202emoc.elpmaxe\u202c \u2066a\u2069\u200f\u061c\x00\x1b[31m"
LONG = "长" * 4000 + " and long " * 400
ENCODED = "=?utf-8?q?Hi=0D=0ABcc:_x@evil.zz?= ==??="  # read as an encoded word it would end the line
HOSTILE = (MARKUP, INJECTION, TURNED, LONG, ENCODED)
NO_ADDRESSES = (
    "a@example.com\r\nBcc: b@example.com", "a@example.com\nSubject: x", "a@example.com, b@example.com",
    "a@example.com; b@example.com", "Name <a@example.com>", "team: a@example.com, b@example.com;", "a b@example.com",
    "a@example.com\x00", "a\u202e@example.com", "a", "@example.com", "a@", "a@b@example.com",
    "=?utf-8?b?YQ==?=@example.com", "a@=?utf-8?q?b?=.example.com",
    '"a\\"@example.com', "",
)  # fmt: skip


def _read(data: bytes) -> EmailMessage:
    """Read a mail as its reader does, having looked at its bytes."""
    assert max(len(line) for line in data.split(b"\n")) <= 998
    mail = email.message_from_bytes(data, policy=email.policy.default)
    assert isinstance(mail, EmailMessage)
    assert set(mail.keys()) == HEADERS
    assert len(mail.keys()) == len(HEADERS)
    assert mail.get_content_type() == "text/plain"
    assert not mail.is_multipart()
    assert "\n" not in mail["Subject"]
    assert not mail.defects
    return mail


@pytest.fixture
def mailer(tmp_path: Path) -> Mailer:
    return Mailer(folder=tmp_path / "mail", sender="training@example.com", smtp=None)


def _sent(mailer: Mailer) -> EmailMessage:
    [path] = mailer.folder.glob("*.eml")
    return _read(path.read_bytes())


@pytest.mark.parametrize("words", HOSTILE, ids=["markup", "injection", "turned", "long", "encoded"])
def test_no_words_of_a_mail_become_a_header_or_markup(mailer: Mailer, words: str) -> None:
    mailer.send(key="k", to="a@example.com", subject=words, text=f"{words}\n\nhttps://example.com\n", language="zh")
    mail = _sent(mailer)
    assert [one.addr_spec for one in mail["To"].addresses] == ["a@example.com"]
    seen = re.sub("[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069\x00\x1b]", "", words)
    assert mail["Subject"] == " ".join(seen.split()).replace("=?", "= ?")
    assert " ".join(mail.get_content().split()) == " ".join(f"{seen} https://example.com".split())


@pytest.mark.parametrize("address", NO_ADDRESSES)
def test_what_is_not_one_address_is_refused_by_the_form_and_gets_no_mail(mailer: Mailer, address: str) -> None:
    with pytest.raises(Unsendable):
        mailer.send(key="k", to=address, subject="s", text="t", language="en")
    assert not mailer.folder.exists()
    assert not address or contact_fault("email", address) is not None


@pytest.mark.parametrize(
    "address", ["a@example.com", "first.last+tag@sub.example.co", "o'neil@example.com", "A_1@例子.cn"]
)
def test_everyday_addresses_get_their_mail(mailer: Mailer, address: str) -> None:
    mailer.send(key="k", to=address, subject="s", text="t", language="en")
    assert contact_fault("email", address) is None
    assert len(list(mailer.folder.glob("*.eml"))) == 1


@pytest.mark.deep_on_postgres
def test_every_notice_bears_hostile_names_and_facts(any_app: Flask, world: World, now: datetime) -> None:
    folder = settings_of(any_app).mail_dir
    with any_app.test_request_context():
        while outbox.dispatch_due(now=now):  # what making people sends
            pass
    before = set(folder.glob("*.eml"))
    with transaction() as session:
        profile = session.get_one(PersonProfile, world.learner)
        profile.email, profile.name = "wang@example.com", f"{MARKUP[:40]}\r\nBcc: x@y.zz \u202e"
        for kind, (_title, text) in WORDS.items():
            names = re.findall(r"%\((\w+)\)s", str(text))
            for index, words in enumerate(one.replace("\x00", "") for one in HOSTILE):  # the door keeps a NUL out
                body = {
                    "person": world.learner, "kind": kind, "key": f"{kind}/{index}",
                    "facts": {name: {"zh": words, "en": words} for name in names},
                }  # fmt: skip
                outbox.send("notice", f"notice/{kind}/{index}", body, now=now)
    with any_app.test_request_context():
        while outbox.dispatch_due(now=now):
            pass
    mails = [_read(path.read_bytes()) for path in set(folder.glob("*.eml")) - before]
    assert len(mails) == len(WORDS) * len(HOSTILE)
    for mail in mails:
        assert mail.get_content().splitlines()[0] == f"{MARKUP[:40]} Bcc: x@y.zz "
        assert "\u202e" not in mail.get_content()
        assert [one.addr_spec for one in mail["To"].addresses] == ["wang@example.com"]


def test_an_address_that_no_mail_can_carry_is_told_and_not_tried_for_a_day(
    any_app: Flask, world: World, now: datetime
) -> None:
    with transaction() as session:
        values = {"email": "a@example.com\r\nBcc: b@example.com"}  # as an older file could have brought it
        session.execute(sa.update(PersonProfile).where(PersonProfile.person_id == world.learner).values(values))
        body = {"person": world.learner, "kind": "certificate_ready", "key": "c/9", "facts": {}}
        outbox.send("notice", "notice/c/9", body, now=now)
    with any_app.test_request_context():
        while outbox.dispatch_due(now=now):
            pass
    db.session.rollback()
    notice = db.session.scalars(sa.select(Notice.id).where(Notice.key == "c/9")).one()
    message = db.session.scalars(sa.select(OutboxMessage).where(OutboxMessage.key == f"mail/{notice}")).one()
    assert message.dispatched_at == now
    delivery = sa.select(Delivery.outcome, Delivery.error).join(Notice, Notice.id == Delivery.notice_id)
    assert db.session.execute(delivery.where(Notice.key == "c/9")).all() == [
        ("failed", "this is not one e-mail address")
    ]
