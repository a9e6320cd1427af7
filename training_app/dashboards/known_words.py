"""What keys, codes and ids stand for on pages for people: titles of content, names of units and people, words."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from functools import cached_property
from typing import Any

from flask_babel import gettext as _
from markupsafe import Markup
from sqlalchemy.orm import Session

from training_app.accounts import queries as accounts
from training_app.content import queries as content
from training_app.content.queries import Version
from training_app.dashboards import fact_words, wording
from training_app.dashboards.role_pages import unit_names
from training_app.exams import labels
from training_app.notices.wording import WORDS as NOTICES
from training_app.roleplay.wording import drill_words, part_words, stage_words
from training_app.web import pick

Titles = Mapping[str, Mapping[str, object]]
QUIZ = "quiz:"
LONGEST = 60
# field -> the kinds of content, or of its parts, whose key stands there
_KINDS: Mapping[str, tuple[str, ...]] = {
    "course": ("course",), "lesson": ("lesson",), "lessons": ("lesson",), "exam": ("exam_blueprint",),
    "card": ("scenario_card",), "sheet": ("scoring_sheet",), "level": ("level",), "role": ("role",),
    "roles": ("role",), "may_grant": ("role",), "policy": ("points_policy",), "points_policy": ("points_policy",),
    "tariff": ("tariff",), "calendar": ("calendar",), "enemies": ("item",), "code": ("breach",), "codes": ("breach",),
    "violation_codes": ("breach",), "criteria": ("criterion",), "behaviour": ("criterion",),
    "ref": ("course", "exam_blueprint", "role"), "licence": ("licence_kind",), "licences": ("licence_kind",),
}  # fmt: skip
_UNITS = frozenset({"unit"})
_PEOPLE = frozenset({"trainers", "examiners", "reporters", "recipient", "asked_by", "person", "reviewer"})
_VERSIONS = frozenset({"policy_version"})
# Fields whose text is a mark for programs; it is shown, small, and worded where it names something.
_MARKS = frozenset({
    "key", "id", "match", "media", "idem", "proof", "cause", "entries", "listed", "evidence", "risk", "sha256",
    "evidence_id",
})  # fmt: skip
_ENTRY = re.compile(r"case-(\d+)/\d+/(\w+)")


@dataclass(frozen=True, kw_only=True)
class Known:
    """What is known to one page: titles by kind and key, units and people by id; tables of words are built once."""

    titles: Titles
    units: Mapping[int, str]
    names: Mapping[int, str]
    versions: Mapping[int, Version]

    @cached_property
    def by_word(self) -> dict[str, Callable[[str], str]]:
        """How the values of some fields are worded, whatever they are."""
        return _by_word()

    @cached_property
    def by_field(self) -> dict[tuple[str, str], dict[str, str]]:
        """The words of codes that mean one thing in this field alone."""
        return _by_field()

    @cached_property
    def heads(self) -> dict[str, str]:
        """The words of the names of fields."""
        return fact_words.field_names()

    @cached_property
    def codes(self) -> dict[str, str]:
        """The words of codes that mean the same everywhere."""
        return fact_words.code_words()

    @cached_property
    def subjects(self) -> dict[str, str]:
        """The words of the kinds of subject."""
        return fact_words.subject_words()

    def title(self, field: str, key: object, kind: object = None) -> str | None:
        """Return the title of what a key in a field stands for, None for what is no key or names nothing."""
        if not isinstance(key, str):
            return None
        if field in self.by_word:
            found = self.by_word[field](key)
            return found if found != key else None
        if key.startswith(QUIZ) and field == "exam":
            course = self.titles.get("course", {}).get(key.removeprefix(QUIZ))
            return None if course is None else str(_("Module quiz: %(title)s", title=pick(course)))
        kinds = (str(kind),) if field == "key" and kind else _KINDS.get(field, ())
        for one in kinds:
            if (words := self.titles.get(one, {}).get(key)) is not None:
                return _short(pick(words))
        return drill_words(key) if field == "ref" and drill_words(key) != key else None

    def fact(self, name: str, value: object, now: datetime, facts: Mapping[str, Any], action: str) -> Markup:
        """Word one fact of the audit trail, a key small beside its title."""
        if isinstance(value, Mapping):
            return Markup(", ").join(
                Markup("{}: {}").format(self.heads.get(one, one), self.fact(one, inner, now, facts, action))
                for one, inner in value.items()
            )
        if isinstance(value, Sequence) and not isinstance(value, str):
            return Markup(", ").join(self.fact(name, one, now, facts, action) for one in value) or Markup("–")
        if isinstance(value, int) and not isinstance(value, bool):
            if name in _UNITS or (action == "unit.moved" and name in ("from", "to")):
                return Markup("{}").format(self.units.get(value, value))
            if name in _PEOPLE:
                return Markup("{}").format(self.names.get(value) or self._subject_text(f"person:{value}"))
            if name in _VERSIONS and value in self.versions:
                return Markup("{}").format(self.versions[value].number)
        if name == "kind" and action.startswith("content."):
            return Markup("{}").format(wording.kind_words().get(str(value), value))
        if name == "columns":
            return Markup("{}").format(wording.column_words().get(str(value), value))
        if (title := self.title(name, value, facts.get("kind"))) is not None:
            return _beside(title, value)
        if name in _MARKS and isinstance(value, str):
            return self._mark(value)
        if (word := self.by_field.get(("", name), {}).get(str(value))) is not None:
            return _beside(word, value)
        return Markup("{}").format(fact_words.fact_text(value, now, self.codes))

    def field(self, name: str, value: object, kind: str, codes: Mapping[str, str]) -> Markup:
        """Word one text of content, a key small beside its title."""
        if (title := self.title(name, value)) is not None:
            return _beside(title, value)
        words = self.by_field
        own = words.get((kind, name), {}).get(str(value)) or words.get(("", name), {}).get(str(value))
        if own is None and name in _MARKS:
            return _small(value)
        return Markup("{}").format(own or codes.get(str(value), value))

    def subject(self, subject: str) -> str:
        """Word what an entry of the audit trail is about; a unit by its name."""
        kind, _colon, number = subject.partition(":")
        if kind == "unit" and number.isdecimal() and int(number) in self.units:
            return self.units[int(number)]
        return self._subject_text(subject)

    def _subject_text(self, subject: str) -> str:
        kind, _colon, number = subject.partition(":")
        return f"{self.subjects.get(kind, kind)} {number}".strip()

    def _mark(self, value: str) -> Markup:
        """Word a mark where it names something: a line of evidence, a notice, an entry of a case."""
        head, _slash, _rest = value.partition("/")
        kind, _colon, number = value.partition(":")
        if number and kind in self.subjects:
            return Markup("{} {}").format(self.subjects[kind], number)
        if head in NOTICES:
            return _beside(str(NOTICES[head][0]), value)
        if entry := _ENTRY.fullmatch(value):
            what = self.codes.get(entry[2], entry[2])
            return _beside(str(_("case %(number)s: %(what)s", number=entry[1], what=what)), value)
        return _small(value)


def known(session: Session, on: date, facts: Sequence[Mapping[str, Any]] = ()) -> Known:
    """Return what is known on a day, with the names of the people in these facts."""
    ids = {one for row in facts for name in _PEOPLE & row.keys() for one in _ids(row[name])}
    versions = {one for row in facts for name in _VERSIONS & row.keys() for one in _ids(row[name])}
    return Known(
        titles=content.derived(session, "dashboards/titles", on, lambda: _titles(session, on)),
        units=unit_names(session, on), names=accounts.names(session, ids),
        versions=content.versions(session, versions),
    )  # fmt: skip


def _titles(session: Session, on: date) -> Titles:
    kinds = (
        "course", "lesson", "item", "exam_blueprint", "scoring_sheet", "scenario_card", "level", "points_policy",
        "tariff", "role", "calendar", "settings", "licence_kind", "job_type",
    )  # fmt: skip
    found: dict[str, dict[str, object]] = {
        kind: {key: one.body.get("title") or one.body.get("stem") or key for key, one in
               content.current(session, kind, on).items()}
        for kind in kinds
    }  # fmt: skip
    found["breach"] = {
        one["code"]: one["title"]
        for version in content.current(session, "tariff", on).values()
        for part in ("codes", "merits")
        for one in version.body.get(part, ())
    }
    found["criterion"] = {
        one["key"]: one["title"]
        for version in content.current(session, "scoring_sheet", on).values()
        for one in version.body["dimensions"]
    }
    return found


def _ids(value: object) -> list[int]:
    values = value if isinstance(value, list) else [value]
    return [one for one in values if isinstance(one, int) and not isinstance(one, bool)]


def _by_word() -> dict[str, Callable[[str], str]]:
    permissions = wording.permission_words()
    return {
        "topic": lambda key: str(labels.TOPICS.get(key, key)), "topics": lambda key: str(labels.TOPICS.get(key, key)),
        "drill": drill_words, "panel": drill_words, "practical": drill_words, "stage": stage_words,
        "permissions": lambda key: str(permissions.get(key, key)),
    }  # fmt: skip


def _by_field() -> dict[tuple[str, str], dict[str, str]]:
    """Return the words of codes that mean one thing in this field alone: (kind or "", field) -> code -> words."""
    parts = ("learner", "customer", "observer", "helper", "supervisor", "bystander", "rater")
    return {
        ("scenario_card", "parts"): {one: part_words(one) for one in parts},
        ("", "kind"): {
            "course": _("course"), "exam": _("exam"), "quiz": _("module quiz"), "roleplay": _("role-play"),
            "cycle": _("one year after the other"), "sum": _("the points are added up"),
        },
        ("settings", "plan_after"): {
            "not_passed": _("when it was not passed"), "always": _("always"), "never": _("never"),
        },
        ("", "after_sanction"): {"exam_passed": _("once the exam is passed")},
        ("", "carry"): {"unresolved": _("only what is not yet decided")},
        ("", "closed_window"): {"reopen_now": _("opened again at once")},
        ("", "gap_points"): {"count_after": _("count afterwards")},
        ("", "suspends"): {"sanction": _("the sanction")},
        ("", "default_language"): {"zh": "中文", "en": "English"},
        ("item", "scheme"): {
            "all_or_nothing": _("all or nothing"), "plus_minus": _("a wrong mark costs a right one"),
            "true_false": _("each option right or wrong"), "balanced": _("wrong marks weighed against right ones"),
        },
        ("", "scheme"): {"service": _("service technicians")},
        ("", "zone"): {"Asia/Shanghai": _("Beijing time")},
        ("tariff", "route"): {"service": _("service")},
    }  # fmt: skip


def _beside(title: str, key: object) -> Markup:
    return Markup('{} <span class="key">{}</span>').format(title, key)


def _small(key: object) -> Markup:
    return Markup('<span class="key">{}</span>').format(key)


def _short(title: str) -> str:
    return title if len(title) <= LONGEST else title[: LONGEST - 1] + "…"
