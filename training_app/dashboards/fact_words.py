"""Words of what stands beside an action in the audit trail and inside content: names of facts, subjects, codes."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import date, datetime

from flask_babel import gettext as _

from training_app.web import day, when

_INSTANT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d[.\d]*[+-]\d\d:\d\d")
_DAY = re.compile(r"\d{4}-\d\d-\d\d")


def subject_words() -> dict[str, str]:
    """Return the words of the kinds of subject; a subject is named `kind:id`."""
    return {
        "person": _("record"), "attempt": _("attempt"), "sitting": _("sitting"), "performance": _("role-play"),
        "case": _("case"), "score_sheet": _("score sheet"), "permit": _("permit"), "admission": _("admission"),
        "unit": _("unit"), "certificate": _("certificate"), "sanction": _("sanction"), "content": _("content"),
        "role": _("role"), "people": _("list of people"), "evidence": _("evidence"), "grant": _("grant of a role"),
        "company": _("employing company"), "learning": _("learning record"), "licence": _("state licence"),
        "improvement_plan": _("improvement plan"),
    }  # fmt: skip


def fact_names() -> dict[str, str]:
    """Return the words of the names of facts."""
    return {
        "already": _("Reminded that day already"), "left_out": _("Left out"),
        "admission": _("Admission"), "annul": _("Annulled because"), "asked_by": _("Asked for by"),
        "attempts": _("Attempts"), "base_on": _("Counted from"), "card": _("Scenario card"), "case": _("Case"),
        "cause": _("Cause"), "changed": _("Changed"), "channel": _("Served through"), "closes": _("Closes"),
        "code": _("Breach or reward"), "columns": _("Columns"), "companion": _("With a companion"),
        "count": _("Count"), "course": _("Course"), "cut": _("Pass mark"), "deadline_at": _("Time until"),
        "document": _("Document"), "drill": _("Drill"), "due_on": _("Due on"), "entries": _("Entries"),
        "ended_on": _("Counted through"), "evidence": _("Evidence"), "exam": _("Exam"), "examiners": _("Examiners"),
        "expires_on": _("Valid through"), "filters": _("Filters"),
        "from": _("From"), "goals": _("Goals"), "grade": _("Global grade"), "idem": _("Mark of the entry"),
        "key": _("Key"),
        "issued_on": _("Issued on"), "kept_browser": _("Kept as written here"), "kind": _("Kind"),
        "lesson": _("Lesson"), "level": _("Level"), "licence": _("State licence"),
        "level_event": _("Line of the level"), "listed": _("Entries listed"), "minutes": _("Minutes"),
        "months": _("Months"), "move": _("How it ended"), "new": _("New"), "number": _("Number"),
        "occurred_at": _("Happened"), "of": _("Out of"), "on": _("Day"), "opens": _("Opens"),
        "order": _("Order number"), "outcome": _("Outcome"), "part": _("Part"), "parts": _("Parts"),
        "name": _("Name"),
        "name_latin": _("In Latin letters"), "passed": _("Passed"), "percent": _("Percent of the limit"),
        "people": _("People"), "permit": _("Permit"), "points": _("Points"),
        "policy": _("Points policy"), "policy_version": _("Version of the policy"), "proof": _("Proof of service"),
        "rank": _("Rank"), "reached_at": _("Reached"), "reason": _("Reason"), "recipient": _("Recipient"),
        "q": _("Search"), "renewal": _("Renewal"),
        "reviewer": _("Reviewer"), "reporters": _("Reporters"), "risk": _("Risk"), "role": _("Role"),
        "roles": _("Roles"), "sanction": _("Sanction"), "saved": _("Answers saved"), "scheme": _("Level scheme"),
        "scheme_version": _("Version of the scheme"), "score": _("Score"), "seconds": _("Seconds"),
        "seed": _("Number of the draw"), "sha256": _("Fingerprint"), "share": _("Share"), "sitting": _("Sitting"),
        "stage": _("Stage"), "state": _("State"), "supervised": _("Supervised"), "title": _("Title"), "to": _("To"),
        "total": _("Total"), "trainers": _("Trainers"), "unchanged": _("Unchanged"), "unit": _("Unit"),
        "until": _("Until"), "upheld": _("Upheld"), "valid_until": _("Valid until"), "version": _("Version"),
        "was": _("Entry before"), "withdrawn": _("Withdrawn"), "zone": _("Time zone"),
    }  # fmt: skip


def code_words() -> dict[str, str]:
    """Return the words of codes that stand as facts; keys of content and units stay as they are."""
    return {
        "app": _("in the application"), "notice": _("notice"), "decision": _("decision"), "sanction": _("sanction"),
        "hand_in": _("handed in"), "submit": _("handed in"), "expire": _("time ran out"),
        "onboarding": _("first permit"), "renewal": _("renewal"), "retraining": _("retraining"),
        "contest": _("contested result"), "assigned": _("assigned"), "chosen": _("chosen"),
        "upheld": _("upheld"), "reduced": _("reduced"), "warning": _("warning"), "dismissed": _("dismissed"),
        "void": _("set aside"), "talk": _("talk"), "review": _("review"),
        "suspend": _("suspension of the permit"), "revoke": _("revocation of the permit"),
        "theory": _("theory exam"), "practical": _("practical exam"), "panel": _("role-play before a panel"),
        "junior": _("junior"), "demerit": _("points deducted"), "clear": _("entries cleared"),
    }  # fmt: skip


def content_codes() -> dict[str, str]:
    """Return the words of codes inside content; keys that name other content stay as they are."""
    return code_words() | {
        "exam": _("exam"), "practice": _("practice"), "single": _("one right answer"),
        "multiple": _("several right answers"), "truefalse": _("true or false"), "ordering": _("put in order"),
        "matching": _("match"), "all_or_nothing": _("all or nothing"), "complaint": _("complaint"),
        "first_arrival": _("first arrival"), "learner": _("learner"), "customer": _("customer"),
        "observer": _("observer"), "final": _("once final"), "occurred": _("the day it happened"),
    }  # fmt: skip


# What one reads first in an option, an item, a criterion; the rest follows by name.
_FIRST = ("id", "key", "title", "stem", "text", "correct", "match", "feedback", "options", "prompts", "matches")


def in_reading_order(body: Mapping[str, object]) -> list[tuple[str, object]]:
    """Return the fields of a part of content in the order in which they are read."""
    return sorted(body.items(), key=lambda field: _FIRST.index(field[0]) if field[0] in _FIRST else len(_FIRST))


def fact_text(value: object, now: datetime, codes: Mapping[str, str]) -> str:
    """Word one fact: yes and no, days and instants, known codes; lists joined. `codes`: those of `code_words`."""
    if value is None or value == []:
        return "–"
    if isinstance(value, bool):
        return str(_("yes") if value else _("no"))
    if isinstance(value, Mapping):
        return ", ".join(f"{name}: {fact_text(one, now, codes)}" for name, one in value.items())
    if isinstance(value, Sequence) and not isinstance(value, str):
        return ", ".join(fact_text(one, now, codes) for one in value)
    text = str(value)
    if _INSTANT.fullmatch(text):
        return when(datetime.fromisoformat(text), now=now)
    if _DAY.fullmatch(text):
        return day(date.fromisoformat(text))
    return codes.get(text, text)


def field_names() -> dict[str, str]:
    """Return the words of the fields of content, as its page shows them; a field without words shows its own name."""
    return fact_names() | {
        "aim": _("Aim"), "allowance_s": _("Allowance in seconds"), "angers": _("What makes it worse"),
        "after_sanction": _("After the sanction"), "appeal": _("Appeal"), "suspends": _("Suspends meanwhile"),
        "answer_working_days": _("Working days to answer"), "working_days": _("Working days"),
        "at": _("From points"), "bank": _("Kept for later"), "behaviour": _("Criterion"),
        "below_limit_only": _("Below the limit only"), "calendar": _("Working-day calendar"), "calms": _("What calms"),
        "cap": _("At most"), "carry": _("Carried over"), "cells": _("Parts of the draw"),
        "certificate_note": _("Note on the certificate"), "check": _("Check question"),
        "checklist": _("Checklist"), "class": _("In class"), "close_after_days": _("Days until closed by itself"),
        "closed_window": _("Closed points year"),
        "codes": _("Breaches"), "correct": _("Right"), "criteria": _("Criteria"), "critical": _("Critical failures"),
        "customer": _("Customer"), "customer_knows": _("What the customer says"), "days": _("Days"),
        "default_language": _("Language of new people"), "difficulty": _("Difficulty"),
        "dimensions": _("Dimensions"), "due_days": _("Days to finish"), "election": _("Good behaviour instead"),
        "enemies": _("Never together"), "escalation": _("Escalation"), "exclusions": _("Excluded"),
        "exists_when": _("Exists once"), "expiry": _("When time is over"),
        "expiry_reminder_days": _("Reminders before expiry, in days"),
        "course_reminder_days": _("Reminders before the last day of a course, in days"),
        "exam_reminder_days": _("Reminders before an exam, a role-play or the last day for a plan, in days"),
        "case_reminder_days": _("Reminders before a clock of a case ends, in days"), "explanation": _("Explanation"),
        "fair_outcome": _("Fair outcome"), "feedback": _("Feedback"), "gap_points": _("Points in between"),
        "global_grade": _("Global grade"), "grace_days": _("Days of grace"), "holidays": _("Days off"),
        "hotline": _("Hotline"), "hotline_to_set": _("Hotline still to be set"), "id": _("Mark"),
        "interim_stop": _("Stop for safety"), "issuer": _("Issued by"), "latch": _("Stays due"),
        "late_discovery": _("Late discovery"), "lessons": _("Lessons"), "levels": _("Steps"),
        "licences": _("State licences"), "limit": _("Limit"), "limit_minutes": _("Minutes allowed"),
        "limitation_months": _("Limitation in months"),
        "live_code_s": _("Seconds a code on a phone counts"), "lookback_months": _("Months looked back"),
        "match": _("Goes with"), "matches": _("Matches"), "may_grant": _("May grant"), "media": _("Pictures"),
        "membership_date": _("Day that counts"), "merit": _("Rewards"), "merits": _("Rewards"),
        "min_version": _("Version at least"), "minimum_gap_days": _("Days between at least"), "mood": _("Mood"),
        "must_not_promise": _("What must not be promised"), "name": _("Name"), "note": _("Note"),
        "online": _("Online"), "order": _("Place in the list"),
        "outcome": _("What learners can do afterwards"),
        "only_customer_knows": _("What the customer keeps back"), "options": _("Options"),
        "panel": _("Panel"), "panel_raters": _("Raters of the panel"), "patterns": _("Patterns"),
        "as_of": _("Looked at on day"), "day": _("Day"), "examples": _("Worked examples"), "expect": _("Expected"),
        "final_after": _("Final after days"), "history": _("What happens"), "left": _("Points left"),
        "occasion": _("Occasion"), "stage": _("Highest stage met"), "total": _("Points deducted"),
        "perform": _("Minutes to perform"), "permissions": _("Rights"), "points_policy": _("Points policy"),
        "plan_after": _("When an improvement plan is asked for"),
        "plan_days": _("Days to write an improvement plan"),
        "plan_goals_max": _("Goals of an improvement plan, at most"),
        "plan_goals_min": _("Goals of an improvement plan, at least"),
        "pool": _("Pool"), "practical": _("Practical exam"), "prepare": _("Minutes to prepare"),
        "prompts": _("Prompts"), "quiz": _("Quiz"), "raise_difficulty": _("To make it harder"), "ref": _("Refers to"),
        "renewal_window_days": _("Days in which it can be renewed"), "renewals": _("Renewals"),
        "requirements": _("Requirements"), "retake_wait_days": _("Days before another try"),
        "retention_days": _("Days kept"), "retraining": _("Retraining"), "route": _("Route"), "routes": _("Routes"),
        "same_occasion": _("On the same occasion"), "scope": _("Scope"), "service": _("In service"),
        "sheet": _("Scoring sheet"), "short": _("Short name"),
        "situational": _("About a situation"), "source": _("Source"),
        "stages": _("Sanction stages"), "stem": _("Question"), "steps": _("Steps"), "summary": _("Summary"),
        "tariff": _("Tariff"), "text": _("Text"), "tolerance": _("Tolerance"), "topic": _("Topic"),
        "topics": _("Topics"), "type": _("Type"), "valid_months": _("Months valid"),
        "validity_months": _("Months valid"), "violation_codes": _("Breaches it prevents"),
        "wait_days": _("Days to wait"), "weight": _("Weight"), "window": _("Points window"),
        "workdays": _("Make-up workdays"), "year": _("Year"), "years": _("Years"),
        "entries_hidden": _("Entries hidden after the points year"), "after_leaving": _("After leaving"),
        "review": _("Annual review"), "origin": _("Where it comes from"), "asks": _("Asks for"),
        "since": _("Counted from"), "ladder": _("Career ladder"), "focus": _("Focus"), "most": _("At most"),
        "one_in": _("One of so many"), "breach_lessons": _("Lessons of one’s own breaches"),
        "condition_days": _("Days to meet a condition"), "unmet_days": _("Days of suspension if not met"),
        "training_slip_days": _("Days to do a training slip"), "points_at_most": _("Points at most"),
        "from_points": _("Asked from points on"), "observation": _("Observation"),
        "evidence_reading_log": _("Log of evidence read"), "export_files": _("Exported files"),
    }  # fmt: skip
