"""Words of states, figures, roles, permissions, content kinds: rules return codes, the words stand here."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from flask_babel import gettext as _

from training_app.access.rules import Permission
from training_app.status.rules import Reason, State


def state_words() -> dict[str, str]:
    """Return the word of every state, in the order in which lists offer them."""
    return {
        State.VALID: _("Valid"),
        State.RENEWAL_OPEN: _("Valid, renewal open"),
        State.GRACE: _("Run out: only jobs accepted before"),
        State.SUSPENDED: _("Stopped for now"),
        State.REVOKED: _("Permit revoked"),
        State.RETRAINING: _("Permit revoked, in retraining"),
        State.BARRED: _("Barred"),
        State.LAPSED: _("Lapsed"),
        State.SURRENDERED: _("Given back"),
        State.PASSED: _("Everything passed, to be awarded"),
        State.EXAMINABLE: _("May sit the exam"),
        State.TRAINING: _("In training"),
        State.APPLIED: _("Not begun"),
        State.NONE: _("No permit needed"),
    }


_TONES: Mapping[State, str] = {
    State.VALID: "valid",
    State.RENEWAL_OPEN: "valid",
    State.GRACE: "attention",
    State.SUSPENDED: "stopped",
    State.REVOKED: "stopped",
    State.RETRAINING: "stopped",
    State.BARRED: "stopped",
    State.LAPSED: "stopped",
    State.PASSED: "info",
    State.EXAMINABLE: "info",
    State.TRAINING: "info",
}


def state_tone(state: State) -> str:
    """Return the kind of badge that shows a state."""
    return _TONES.get(state, "unknown")


def group_words() -> dict[str, str]:
    """Return the words of the groups of states, and of the figures."""
    return {
        "today": _("may work today"),
        "soon": _("expire within 30 days"),
        "stopped": _("may not work"),
        "before": _("on the way to the permit"),
        "cases": _("with an open case"),
    }


FIGURE_TONES: Mapping[str, str | None] = {
    "today": "valid", "soon": "attention", "stopped": "stopped", "before": None, "cases": None,
}  # fmt: skip


def kind_words() -> dict[str, str]:
    """Return the words of the kinds of content, in the order of the page."""
    return {
        "course": _("Courses"),
        "lesson": _("Lessons"),
        "item": _("Items"),
        "exam_blueprint": _("Exam blueprints"),
        "scoring_sheet": _("Scoring sheets"),
        "scenario_card": _("Scenario cards"),
        "level": _("Levels"),
        "points_policy": _("Points policies"),
        "tariff": _("Tariffs"),
        "licence_kind": _("Kinds of state licence"),
        "job_type": _("Types of job"),
        "role": _("Roles"),
        "calendar": _("Working days"),
        "settings": _("Settings"),
    }


def permission_words() -> dict[str, str]:
    """Return what every permission lets its holder do."""
    p = Permission
    return {
        p.COURSE_LEARN: _("Take courses"),
        p.EXAM_TAKE: _("Take exams"),
        p.CASE_ANSWER: _("Answer a case about oneself"),
        p.CASE_CONTEST: _("Contest a decision about oneself"),
        p.ROLEPLAY_GRADE: _("Lead and score role-plays"),
        p.EXAM_ADMIT: _("Admit people to exams"),
        p.EXAM_IDENTITY: _("Check identity at exams"),
        p.EXAM_INVIGILATE: _("Invigilate exams"),
        p.EXAM_EXTEND: _("Extend the time of an exam"),
        p.EXAM_RESOLVE: _("Answer contested exam results"),
        p.LEVEL_AWARD: _("Award levels and issue permits"),
        p.CASE_REPORT: _("Report cases and rewards"),
        p.CASE_INTERIM_STOP: _("Stop somebody for a safety risk"),
        p.CASE_NOTIFY: _("Serve the notice of a case"),
        p.CASE_DECIDE: _("Decide cases"),
        p.SANCTION_PROPOSE: _("Propose sanctions"),
        p.SANCTION_DECIDE: _("Decide sanctions"),
        p.SANCTION_CONFIRM: _("Confirm sanctions"),
        p.APPEAL_RESOLVE: _("Decide appeals"),
        p.CASE_REOPEN: _("Reopen and annul"),
        p.UNIT_READ: _("See units"),
        p.PEOPLE_READ: _("See people and their story, remind them"),
        p.PEOPLE_EDIT: _("Create, edit, move people"),
        p.PEOPLE_EXPORT: _("Export people"),
        p.ROLE_GRANT: _("Grant and end roles"),
        p.POLICY_EDIT: _("Write policies and tariffs"),
        p.POLICY_PUBLISH: _("Publish policies"),
        p.CONTENT_EDIT: _("Edit content"),
        p.CONTENT_SIGN: _("Sign content as a company expert"),
        p.SETTINGS_EDIT: _("Change settings, roles and working days"),
        p.AUDIT_READ: _("Read the audit trail"),
    }


def column_words() -> dict[str, str]:
    """Return the head of every column of the export."""
    return {
        "number": _("Employee number"),
        "name": _("Name"),
        "name_latin": _("Name in Latin letters"),
        "unit_number": _("Unit number"),
        "unit": _("Unit"),
        "employer": _("Employing company"),
        "state": _("State of the permit"),
        "state_code": _("State code"),
        "level": _("Level"),
        "level_until": _("Level valid until"),
        "permit_number": _("Permit number"),
        "permit_until": _("Permit valid until"),
        "points_left": _("Points left"),
        "points_deducted": _("Points deducted"),
        "open_cases": _("Open cases"),
        "phone": _("Phone"),
        "email": _("E-mail"),
        "language": _("Language of the pages"),
    }


def fact_words() -> dict[str, str]:
    """Return the words of what a record line speaks of."""
    return {
        "person.created": _("Record created"),
        "person.edited": _("Record corrected"),
        "person.moved": _("Moved to another unit"),
        "person.left": _("Left the company"),
        "person.back": _("Came back to the company"),
        "person.import_undone": _("Import undone"),
        "exam.time_factor_set": _("More time in exams recorded"),
        "exam.time_factor_ended": _("More time in exams ended"),
        "person.photo_set": _("Photo taken"),
        "licence.recorded": _("State licence recorded"),
        "licence.corrected": _("State licence corrected"),
        "licence.ended": _("State licence ended"),
        "role.granted": _("Role granted"),
        "role.requested": _("Role asked for, a second person has to approve"),
        "role.approved": _("Role approved by a second person"),
        "role.turned_down": _("Request for a role turned down"),
        "role.ended": _("Role ended"),
        "link.invite": _("Invitation handed out"),
        "link.reset": _("Link for a new password handed out"),
    }


def standing_words() -> dict[str, str]:
    """Return the word of every standing."""
    return {
        "demonstration": _("Role model"),
        "normal": _("Normal"),
        "warning": _("Warned"),
        "eliminated": _("Qualification withdrawn for good"),
    }


def certificate_words() -> dict[str, tuple[str, str]]:
    """Return (badge, word) of what the certificate's own page says."""
    return {
        "valid": ("valid", _("Valid")),
        "expired": ("unknown", _("Expired")),
        "replaced": ("unknown", _("Replaced by a newer one")),
        "not_valid_now": ("stopped", _("Not valid now")),
    }


def reason_words(reasons: Iterable[str]) -> list[str]:
    """Return why somebody may not work today, or what hangs over them; what is missing is named elsewhere."""
    words = {
        Reason.LEVEL_ENDED: _("No level is held any more: the last one has ended or was withdrawn."),
        Reason.STOPPED: _("The permit is stopped for a time, for safety or by a sanction."),
        Reason.REVOKED: _("The permit was revoked. It can be won back by retraining."),
        Reason.BARRED: _("Barred from the permit until a date."),
        Reason.LAPSED: _("The permit was not renewed in time."),
        Reason.SURRENDERED: _("The permit was given back."),
        Reason.GRACE: _("The permit has run out. Jobs accepted before may still be finished."),
        Reason.OPEN_CASE: _("A case is open: reported, not counted."),
    }
    return [words[Reason(one)] for one in reasons if one in words]
