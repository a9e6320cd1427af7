"""Mail: into a folder by default, by SMTP where it is set. Called by consumers after the commit, never in a request."""

from __future__ import annotations

import smtplib
import ssl
from dataclasses import dataclass
from email.message import EmailMessage
from email.utils import make_msgid
from hashlib import sha256
from pathlib import Path

from training_app.settings import SmtpServer


@dataclass(frozen=True, kw_only=True)
class Mailer:
    """Where mail goes."""

    folder: Path
    sender: str
    smtp: SmtpServer | None

    def send(self, *, key: str, to: str, subject: str, text: str, language: str) -> None:
        """Send one plain message; `key` names it, so that a repeat replaces the file instead of adding one.

        Raises OSError or smtplib.SMTPException; the outbox tries again later.
        """
        message = EmailMessage()
        message["From"], message["To"], message["Subject"] = self.sender, to, subject
        message["Message-ID"] = make_msgid(idstring=sha256(key.encode()).hexdigest()[:24], domain="training.invalid")
        message["Auto-Submitted"] = "auto-generated"
        message.set_content(text)
        message["Content-Language"] = {"zh": "zh-CN"}.get(language, language)  # set_content() drops an earlier one
        if self.smtp is None:
            self.folder.mkdir(parents=True, exist_ok=True)
            (self.folder / f"{sha256(key.encode()).hexdigest()[:24]}.eml").write_bytes(bytes(message))
            return
        with self._connect(self.smtp) as server:
            if self.smtp.username:
                server.login(self.smtp.username, self.smtp.password or "")
            server.send_message(message)

    @staticmethod
    def _connect(smtp: SmtpServer) -> smtplib.SMTP:
        trusted = ssl.create_default_context()  # smtplib's own would take any certificate
        if smtp.tls:
            return smtplib.SMTP_SSL(smtp.host, smtp.port, timeout=20, context=trusted)
        server = smtplib.SMTP(smtp.host, smtp.port, timeout=20)
        try:
            if smtp.starttls:
                server.starttls(context=trusted)
        except BaseException:
            server.close()
            raise
        return server
