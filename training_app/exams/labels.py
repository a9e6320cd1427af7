"""Words for the codes of exams."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from training_app.exams.rules import SaveVerdict, StartAnswer

TOPICS: Mapping[str, Any] = {
    "appearance": _l("Appearance"),
    "greeting": _l("Greeting"),
    "manner": _l("Manner"),
    "speech": _l("Speech"),
    "listening": _l("Listening"),
    "needs": _l("Needs of the customer"),
    "promises": _l("Promises"),
    "phone": _l("On the phone"),
    "writing": _l("In writing"),
    "objections": _l("Objections"),
    "emotion": _l("Handling emotions"),
    "wording": _l("Choice of words"),
    "steps": _l("Steps of complaint handling"),
    "escalation": _l("Passing on a complaint"),
    "preparation": _l("Getting ready for a visit"),
    "arrival": _l("On the way and at the door"),
    "work": _l("Work in the home"),
    "closing": _l("Finishing a visit"),
    "conduct": _l("Dos and don’ts"),
    "safety": _l("Safety"),
}

SAVE_REFUSED: Mapping[SaveVerdict, Any] = {
    SaveVerdict.OPENED_ELSEWHERE: _l(
        "This exam continues on another device or in another window. To go on here, take it over."
    ),
    SaveVerdict.UNKNOWN_EPOCH: _l("This page is out of date. Load it again and go on from there."),
    SaveVerdict.ALREADY_ENDED: _l(
        "This attempt was already handed in. What the server had confirmed until then counts."
    ),
    SaveVerdict.TOO_LATE: _l("Time is over. What the server had confirmed until then counts."),
}

CANNOT_ADMIT: Mapping[StartAnswer, Any] = {
    StartAnswer.NOT_YET_ADMITTED: _l("The admission of this person begins only after the sitting."),
    StartAnswer.ADMISSION_OVER: _l("The admission of this person is over. You can grant one more attempt."),
    StartAnswer.ALREADY_PASSED: _l("This person has already passed this exam under supervision."),
    StartAnswer.ATTEMPTS_USED: _l("All attempts of this person are used. You can grant one more attempt."),
    StartAnswer.WAITING: _l("The waiting time after the last attempt is not over by the end of this sitting."),
}


def topic(name: str) -> str:
    """Return the words for a topic; a topic without words is shown by its key."""
    return str(TOPICS.get(name) or name.replace("-", " "))


def wait_reason(answer: StartAnswer | None) -> str:
    """Return why an exam cannot be started now, for the learner."""
    words = {
        None: _("You are not admitted to this exam yet. Your trainer or examiner can tell you when that will be."),
        StartAnswer.NOT_YET_ADMITTED: _("Your admission has not begun yet."),
        StartAnswer.ADMISSION_OVER: _("Your admission is over. Ask your examiner for a new one."),
        StartAnswer.ALREADY_PASSED: _("You have passed this exam. Nothing more is to be done."),
        StartAnswer.ATTEMPTS_USED: _("All your attempts are used. Your examiner can grant another one."),
        StartAnswer.WAITING: _("After an attempt that was not passed there is a waiting time. Use it to study."),
    }
    return str(words.get(answer, ""))
