"""Mail: into a folder by default, by SMTP where it is set. Called by consumers after the commit, never in a request."""

from __future__ import annotations

import email
import re
import smtplib
import ssl
from dataclasses import dataclass
from email.message import EmailMessage
from email.utils import make_msgid
from hashlib import sha256
from pathlib import Path

from training_app.settings import SmtpServer

# Characters that are not seen but turn the order of those that are, and control characters but for line ends and tabs.
_UNSEEN = re.compile("[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069\x00-\x08\x0b-\x1f\x7f-\x9f]")

TIMEOUT_S = 20


class Unsendable(ValueError):
    """A mail that cannot be sent, however often it is tried: its address is none, or its words would be headers."""


class ServerAway(OSError):
    """The mail server cannot be reached, or lets nobody in: no fault of the mail, and no other would leave now."""


@dataclass(frozen=True, kw_only=True)
class Mailer:
    """Where mail goes."""

    folder: Path
    sender: str
    smtp: SmtpServer | None

    def send(self, *, key: str, to: str, subject: str, text: str, language: str) -> None:
        """Send one plain message; `key` names it, so that a repeat replaces the file instead of adding one.

        Nothing in `subject` can add a header, nothing in `text` is read as markup. Raises Unsendable for an address
        that is not exactly one; ServerAway where every mail has to wait; OSError, of which smtplib.SMTPException is
        one, where the outbox tries this one again later.
        """
        message = EmailMessage()
        message["From"], message["To"] = self.sender, _one_address(to)
        # Words that look like an encoded word would be decoded: what they hide could be the end of the line.
        message["Subject"] = " ".join(_UNSEEN.sub("", subject).split()).replace("=?", "= ?")
        message["Message-ID"] = make_msgid(idstring=sha256(key.encode()).hexdigest()[:24], domain="training.invalid")
        message["Auto-Submitted"] = "auto-generated"
        message.set_content(_UNSEEN.sub("", text))
        message["Content-Language"] = {"zh": "zh-CN"}.get(language, language)  # set_content() drops an earlier one
        if email.message_from_bytes(bytes(message)).keys() != message.keys():
            raise Unsendable("its words would become headers")
        if self.smtp is None:
            self.folder.mkdir(parents=True, exist_ok=True)
            (self.folder / mail_name(key)).write_bytes(bytes(message))
            return
        with _connect(self.smtp) as server:
            server.send_message(message)


def mail_name(key: str) -> str:
    """Return the name of the file that keeps the mail of a key."""
    return f"{sha256(key.encode()).hexdigest()[:24]}.eml"


def _connect(smtp: SmtpServer) -> smtplib.SMTP:
    """Return a server that is ready to take a mail; raises ServerAway."""
    trusted = ssl.create_default_context()  # smtplib's own would take any certificate
    server: smtplib.SMTP | None = None
    try:
        if smtp.tls:
            server = smtplib.SMTP_SSL(smtp.host, smtp.port, timeout=TIMEOUT_S, context=trusted)
        else:
            server = smtplib.SMTP(smtp.host, smtp.port, timeout=TIMEOUT_S)
        if smtp.starttls:
            server.starttls(context=trusted)
        if smtp.username:
            server.login(smtp.username, smtp.password or "")
        server.ehlo_or_helo_if_needed()
    except OSError as error:
        if server is not None:
            server.close()
        raise ServerAway(repr(error)) from error
    return server


def _one_address(text: str) -> str:
    """Return the address; raises Unsendable for several, for none, and for what would begin another header."""
    probe = EmailMessage()
    try:
        probe["To"] = text
        (address,) = probe["To"].addresses
    except (ValueError, IndexError):  # the parser of the standard library stumbles over some
        raise Unsendable("this is not one e-mail address") from None
    if address.addr_spec != text or not text.isprintable() or not (address.username and address.domain):
        raise Unsendable("this is not one e-mail address")
    return text
