"""What an attacker types, and the doors that show no form."""

from __future__ import annotations

from tests.security.house import House
from training_app import clock
from training_app.accounts.service import today

BYTES = {  # as the bytes of one form value, before it is percent-encoded
    "empty": b"",
    "blank": b" \t\r\n ",
    "NUL": b"a\x00b",
    "lone surrogate": b"a\xed\xa0\x80b",
    "broken UTF-8": b"\xff\xfe\xc0\x80",
    "emoji": "👩‍🔧🏳️‍🌈 𠮷".encode(),
    "right to left": "\u202egpj.exe\u2066\u200f".encode(),
    "markup": b"<script>alert(1)</script>{{7*7}}${7*7}<img src=file:///etc/hostname>",
    "header": b"a\r\nSet-Cookie: stolen=1",
    "percent NUL": b"%00",
    "huge number": b"9" * 40,
    "beyond 64 bits": b"9223372036854775808",
    "beyond 32 bits": b"2147483648",
    "negative": b"-1",
    "nought": b"0",
    "underscored number": b"1_0",
    "full-width number": "１２".encode(),
    "infinite": b"1e999",
    "first day": b"0001-01-01",
    "last day": b"9999-12-31",
    "first minute": b"0001-01-01T00:00",
    "last minute": b"9999-12-31T23:59",
    "address": b"//evil.example/",
    "path": b"../../../../etc/passwd",
    "SQL": b"' OR 1=1 --",
    "JSON": b'{"a": [1]}',
}
HUGE = "甲".encode() * 350_000


def _today() -> str:
    return today(clock.now()).isoformat()


def by_hand(house: House) -> dict[str, tuple[str | None, dict[str, str]]]:
    """Return endpoint -> (who may, fields) for the doors whose form no page of the furnished network shows."""
    reason = {"words": "Words of a reason that is long enough."}
    outcome = {"outcome": "upheld", "points": "1", **reason}
    learner2 = str(house.world.learner2)
    return {
        "certifications.award_one": ("certifier", {}),
        "certifications.award_selected": ("certifier", {"person": learner2}),
        "certifications.refuse": ("certifier", {f"refuse-{name}": text for name, text in reason.items()}),
        "certifications.reinstate": ("certifier", reason),
        "certifications.renew_selected": ("certifier", {"person": learner2}),
        "certifications.renew_one": ("certifier", {}),
        "certifications.condition_met": ("certifier", {}),
        "certifications.refuse_review": ("certifier", {f"refuse-{name}": text for name, text in reason.items()}),
        "certifications.renew_on_condition": (
            "certifier",
            {**{f"condition-{name}": text for name, text in reason.items()}, "condition-last_on": _today()},
        ),
        "courses.save_place": (
            "learner",
            {"version": str(house.values["version_id"]), "position": "10", "seconds": "5"},
        ),
        "credentials.ask_for_file": ("learner", {}),
        "credentials.print_my_card": ("learner", {"token": "of the learner"}),
        "credentials.take_print": ("hr", {}),
        "photos.act": ("hr", {}),
        "permits.study": ("learner", {"lesson": "promises-that-hold", "token": "of the learner"}),
        "dashboards.approve_role": ("administrator", {}),
        "dashboards.mail_again": ("hr", {}),
        "notices.end_calendar": ("learner", {}),
        "dashboards.withdraw_sign": ("hr_lead", {}),
        "exams.contest": ("learner", reason),
        "exams.time_factor": ("hr", {"more": "50", "first_on": today(clock.now()).isoformat(), **reason}),
        "exams.finish": ("learner", {}),
        "exams.invigilate": ("examiner", {}),
        "exams.open_paper": ("sitter", {}),
        "exams.save": ("sitter", {"epoch": "1", "seq": "3", "move": ""}),
        "exams.start": ("sitter", {}),
        "exams.submit": ("sitter", {"epoch": "1", "seq": "3"}),
        "roster.again": ("hr", {}),
        "figures.remind_renewals": ("hr", {}),
        "roster.notify": ("hr", {}),
        "api.authorisations": (None, {}),
        "api.revoke_token": ("administrator", {}),
        "roster.undo": ("hr", {}),
        "permits.annul_sanction": ("hr_lead", reason),
        "permits.confirm_sanction": ("hr_lead", {}),
        "permits.contest": ("learner", reason),
        "permits.decide": ("hr", outcome),
        "permits.my_sanction": ("learner", reason),
        "permits.notify": ("hr", {}),
        "permits.reopen": ("hr_lead", {f"again-{name}": text for name, text in reason.items()}),
        "permits.resolve": ("hr_lead", outcome),
        "permits.resolve_sanction": ("hr_lead", {"uphold": "1", **reason}),
        "roleplay.add_person": ("trainer", {"person": learner2, "part": "observer"}),
        "roleplay.draw": ("trainer", {}),
        "roleplay.move": ("trainer", {"move": "end", "sheet": ""}),
        "roleplay.open_sheet": ("trainer", {}),
        "roleplay.release": ("trainer", {}),
        "roleplay.withdraw": ("trainer", reason),
        "roleplay.answer_improvement": ("trainer", {"outcome": "approve", "version": "1", **reason}),
        "dashboards.print_people": ("hr", {"what": "slips", "person": learner2, "token": "of hr"}),
        "dashboards.export": ("hr", {"q": "", "state": "", "unit": "", "level": "", "upto": ""}),
        "accounts.sign_in": (None, {"number": "T-10000", "password": "wrong", "next": "/"}),
        "exams.extend": ("examiner", {"idem": "x" * 24, "person_id": "", "minutes": "5", **reason}),
        "roleplay.append_marks": ("trainer", {}),
        "roleplay.lock": ("trainer", {}),
    }
