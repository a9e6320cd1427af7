"""What each kind of notice says. `facts` fill the places in braces; a fact that is a {zh, en} pair is picked."""

from __future__ import annotations

from collections.abc import Mapping

from flask_babel import lazy_gettext as _l

from training_app.web import pick

WORDS: dict[str, tuple[object, object]] = {
    "enrolled": (
        _l("Your onboarding begins"),
        _l("Courses are waiting for you. Everything you need for the permit stands on your first page."),
    ),
    "exam_admitted": (
        _l("You may take the exam"),
        _l("You have met what the exam asks for. Agree a sitting with your examiner."),
    ),
    "contest_answered": (
        _l("Your contest is answered"),
        _l("What you contested about %(title)s has been looked at. Read the answer and its reason beside the result."),
    ),
    "level_awarded": (
        _l("You hold a new level"),
        _l("Congratulations: %(level)s. Your certificate is being made and will stand under My certificates."),
    ),
    "level_refused": (
        _l("Your level was not awarded yet"),
        _l("%(level)s was not awarded yet. Read the reason and what would allow it."),
    ),
    "level_withdrawn": (
        _l("A level was withdrawn from you"),
        _l("You no longer hold %(level)s. Read why, and what you can do."),
    ),
    "case_noticed": (
        _l("A case was opened about you"),
        _l(
            "Case %(number)s: %(title)s. It is reported, not counted. Read what is alleged and answer by %(answer_by)s."
        ),
    ),
    "case_decided": (
        _l("Your case was decided"),
        _l("Case %(number)s was decided. Read the decision, its reasons and what you can do now."),
    ),
    "case_closed": (_l("Your case is final"), _l("Case %(number)s is final. Your points are up to date.")),
    "sanction_served": (
        _l("A decision about your permit"),
        _l("Decision %(number)s about your permit was taken and confirmed. Read what it means for you."),
    ),
    "sanction_annulled": (
        _l("A decision about your permit is annulled"),
        _l("Decision %(number)s about your permit counts as never taken. Read why on your permit."),
    ),
    "case_reopened": (
        _l("A case about you is open again"),
        _l(
            "Case %(number)s was opened again because something new came to light. Its points do not count for now. "
            "Read what is new and answer by %(answer_by)s."
        ),
    ),
    "permit_reinstated": (
        _l("Your permit is valid again"),
        _l("You passed the retraining. You may take jobs again; your permit is valid through %(through)s."),
    ),
    "retraining_open": (
        _l("Your way back to the permit"),
        _l("Your permit is revoked. Your retraining begins: read what is asked for and take the first step."),
    ),
    "interim_stop": (
        _l("You may not take jobs for now"),
        _l("Your permit is stopped until %(until)s while a safety question is looked at. Call your centre."),
    ),
    "certificate_ready": (_l("Your certificate is ready"), _l("You can open and print it under My certificates.")),
}


def word(kind: str, facts: Mapping[str, object]) -> tuple[str, str]:
    """Return title and text of a notice in the language of the running request or context."""
    title, text = WORDS.get(kind, (_l("A notice for you"), _l("Open it to read more.")))
    values = {name: pick(value) for name, value in facts.items()}
    return str(title), str(text) % values
