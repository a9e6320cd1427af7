"""What each kind of notice says. `facts` fill the places in braces; a fact that is a {zh, en} pair is picked."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from training_app.web import pick, when

_INSTANT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\S*")
_PLACE = re.compile(r"%\(\w+\)s")
# What goes before the text of a notice whose facts name it as their `lead`.
LEADS: dict[str, object] = {
    "time_over": _l(
        "Time was over on %(at)s, so your paper was handed in with what the server had saved: %(saved)s answers."
    ),
    "due_case": _l("A case about you waits for your answer."),
    "due_retraining": _l("Your way back to the permit goes on with its next step."),
    "due_renewal": _l("Your permit is to be renewed: it is valid through %(last)s."),
    "due_plan": _l("An improvement plan after a role-play waits to be written."),
    "due_lapsed": _l("Your permit has lapsed; you can win it anew."),
    "due_level": _l("Your level ends or has ended; see what its renewal asks for."),
    "due_learning": _l("Your courses on the way to the permit wait to be finished."),
    "due_showing": _l("Exam and role-plays are next on your way to the permit."),
    "due_courses": _l("Courses that you were given wait to be finished."),
}
WORDS: dict[str, tuple[object, object]] = {
    "enrolled": (
        _l("Your onboarding begins"),
        _l("Courses are waiting for you. Everything you need for the permit stands on your first page."),
    ),
    "policy_handed_in": (
        _l("A draft waits to be published"),
        _l("%(title)s, to count from %(day)s: read what differs, then publish it or send it back."),
    ),
    "policy_sent_back": (
        _l("Your draft was sent back"),
        _l("%(title)s: read what is to be changed, and hand it in again."),
    ),
    "policy_published": (
        _l("Other rules will count"),
        _l("%(title)s was published and counts from %(day)s. Read what differs; until then nothing changes."),
    ),
    "exam_admitted": (
        _l("You may take the exam"),
        _l("You have met what the exam asks for. Agree a sitting with your examiner."),
    ),
    "exam_passed": (
        _l("Exam passed"),
        _l("%(title)s: %(points)s of %(of)s points, %(needed)s were needed. Read your result and what comes next."),
    ),
    "exam_passed_alone": (
        _l("Your exam result does not count for a level"),
        _l(
            "%(title)s: %(points)s of %(of)s points, %(needed)s were needed. The pass mark is met, but no examiner had "
            "checked who you are and watched the room until the end. Read beside the result what you can do."
        ),
    ),
    "exam_failed": (
        _l("Exam not passed"),
        _l(
            "%(title)s: %(points)s of %(of)s points, %(needed)s were needed. Read which topics to study, when you may "
            "try again and how to contest the result."
        ),
    ),
    "exam_expired": (
        _l("Your exam time ran out"),
        _l("%(title)s: time was over on %(at)s before the paper was handed in. The attempt counts and has no marks."),
    ),
    "exam_voided": (
        _l("Your exam attempt was voided"),
        _l("%(title)s: the examiner voided this attempt. It counts and has no marks; you can contest that."),
    ),
    "roleplay_passed": (
        _l("Role-play passed"),
        _l(
            "%(title)s: %(share)s of the possible points, %(needed)s were needed; global grade %(grade)s of 5. Read "
            "what was seen and said."
        ),
    ),
    "roleplay_failed": (
        _l("Role-play not passed"),
        _l(
            "%(title)s: %(share)s of the possible points, %(needed)s are needed; global grade %(grade)s of 5, 3 is "
            "needed. Read what to change, then ask your trainer for another drill."
        ),
    ),
    "roleplay_critical": (
        _l("Role-play not passed: a critical failure"),
        _l(
            "%(title)s: a critical failure was seen, so that the points (%(share)s) cannot make it a pass. Read which "
            "it was, then ask your trainer for another drill."
        ),
    ),
    "roleplay_void": (
        _l("A role-play without a result"),
        _l(
            "%(title)s: nobody who had begun to score it can finish it any more, so there is no result. It counts "
            "neither as passed nor as failed. Ask your trainer for another drill."
        ),
    ),
    "plan_due": (
        _l("Your improvement plan is due soon"),
        _l(
            "%(title)s: write what you will do better and hand it in by %(last)s; days left when this was sent: "
            "%(days)s."
        ),
    ),
    "plan_approved": (
        _l("Your improvement plan is approved"),
        _l("%(title)s: your trainer approved the plan. Do what you wrote, and show it at the next drill."),
    ),
    "plan_sent_back": (
        _l("Your improvement plan is sent back"),
        _l("%(title)s: your trainer asks for a change. Read what is asked for and hand it in again."),
    ),
    "contest_upheld": (
        _l("Your contest was upheld"),
        _l("What you contested about %(title)s was found right. Read the reason and what follows beside the result."),
    ),
    "contest_rejected": (
        _l("Your contest was rejected"),
        _l("What you contested about %(title)s was looked at, and the result stands. Read the reason beside it."),
    ),
    # Served no more since contests are told as upheld or rejected; what was sent before is still read.
    "contest_answered": (
        _l("Your contest is answered"),
        _l("What you contested about %(title)s has been looked at. Read the answer and its reason beside the result."),
    ),
    "level_awarded": (
        _l("You hold a new level"),
        _l("Congratulations: %(level)s. Your certificate is being made and will stand under My certificates."),
    ),
    "level_renewed": (
        _l("Your level is renewed"),
        _l("%(level)s is renewed. Your new certificate is being made and will stand under My certificates."),
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
    "training_slip": (
        _l("A lesson for you"),
        _l("Case %(number)s is final. Read the lesson that belongs to it by %(last)s; it stands on your permit."),
    ),
    "permit_reinstated": (
        _l("Your permit is valid again"),
        _l("You passed the retraining. You may take jobs again; your permit is valid through %(through)s."),
    ),
    "retraining_open": (
        _l("Your way back to the permit"),
        _l("Your permit is revoked. Your retraining begins: read what is asked for and take the first step."),
    ),
    "review_open": (
        _l("Your annual review is open"),
        _l(
            "Your permit is valid through %(last)s. Read what the annual review asks for and take the first step: a "
            "certifier then renews the permit."
        ),
    ),
    "review_overdue": (
        _l("Your permit has run out"),
        _l(
            "It was valid through %(last)s. You may finish jobs accepted before, but accept no new ones. The annual "
            "review can still be decided: read what it asks for."
        ),
    ),
    "permit_renewed": (
        _l("Your permit is renewed"),
        _l("The annual review is decided: your permit is valid through %(through)s."),
    ),
    "permit_renewed_condition": (
        _l("Your permit is renewed with a condition"),
        _l("Your permit is valid through %(through)s. Read what has to be done by %(by)s."),
    ),
    "condition_met": (
        _l("The condition of your renewal is met"),
        _l("A certifier has entered that what your renewal asked for is done. Nothing more is needed."),
    ),
    "review_refused": (
        _l("Your permit was not renewed"),
        _l("Read the reason and what would allow it. The annual review can be decided anew until %(last)s."),
    ),
    "permit_lapsed": (
        _l("Your permit has lapsed"),
        _l(
            "Nothing renewed it by %(last)s. You may take no jobs. The way back is that of a first permit: ask your "
            "trainer for the first step."
        ),
    ),
    "interim_stop": (
        _l("You may not take jobs for now"),
        _l("Your permit is stopped until %(until)s while a safety question is looked at. Call your centre."),
    ),
    "interim_stop_review": (
        _l("A stop for safety to review"),
        _l(
            "%(name)s was stopped until %(until)s for a safety risk, and you were asked to review it. Hear both sides, "
            "then end the stop or let a case decide."
        ),
    ),
    "permit_expires": (
        _l("Your permit expires soon"),
        _l(
            "Permit %(number)s is valid through %(last)s; days left when this was sent: %(days)s. Read on your permit "
            "what the annual review still asks for: after that day you may accept no jobs."
        ),
    ),
    "permit_expires_managed": (
        _l("A permit in your team expires soon"),
        _l(
            "%(name)s: permit %(number)s is valid through %(last)s; days left when this was sent: %(days)s. Arrange "
            "the annual review in time. The holder was told as well."
        ),
    ),
    "level_expires": (
        _l("Your level expires soon"),
        _l(
            "%(level)s is valid through %(last)s; days left when this was sent: %(days)s. Read what its renewal asks "
            "for and take the first step: without a level you may accept no jobs."
        ),
    ),
    "level_expires_managed": (
        _l("A level in your team expires soon"),
        _l(
            "%(name)s: %(level)s is valid through %(last)s; days left when this was sent: %(days)s. Plan exam and "
            "role-plays for the renewal in time. The holder was told as well."
        ),
    ),
    "roster_checked": (
        _l("Your file is checked"),
        _l("%(file)s: see what it would change, or what has to be mended. Nothing is changed yet."),
    ),
    "roster_unreadable": (
        _l("Your file could not be read"),
        _l("%(file)s could not be taken. Nothing was changed; open it to see what to do."),
    ),
    "roster_applied": (
        _l("Your import is applied"),
        _l("%(file)s counts now. You can undo it for 30 days."),
    ),
    "roster_undone": (
        _l("Your import is undone"),
        _l("What %(file)s brought no longer counts. You can mend the file and send it again."),
    ),
    "roster_not_undone": (
        _l("Your import was not undone"),
        _l("%(file)s counts as before. Open it to see what stood in the way and what you can do."),
    ),
    "licence_expires": (
        _l("Your state licence ends soon"),
        _l(
            "%(title)s is valid through %(last)s; days left when this was sent: %(days)s. Renew it at the authority "
            "and show the new one to HR: without it some types of job are closed to you."
        ),
    ),
    "licence_expires_managed": (
        _l("A state licence in your team ends soon"),
        _l(
            "%(name)s: %(title)s is valid through %(last)s; days left when this was sent: %(days)s. After that the "
            "types of job that need it go to others. The holder was told as well."
        ),
    ),
    "courses_due": (
        _l("Courses to finish soon"),
        _l(
            "Courses still to finish by %(last)s: %(count)s; days left when this was sent: %(days)s. A lesson takes "
            "five to eight minutes."
        ),
    ),
    "courses_overdue": (
        _l("The last day of your courses has passed"),
        _l(
            "Courses that were to be finished by %(last)s: %(count)s. Go on where you stopped; if something keeps you "
            "from it, tell your manager."
        ),
    ),
    "courses_overdue_managed": (
        _l("Courses in your team are overdue"),
        _l(
            "%(name)s: courses that were to be finished by %(last)s: %(count)s. Ask what is in the way and give time "
            "for it. The learner was told as well."
        ),
    ),
    "exam_seated": (
        _l("Your exam has a date"),
        _l(
            "%(title)s: %(at)s, %(place)s, room %(room)s. Your identity is checked there. The date stands in your "
            "calendar too."
        ),
    ),
    "exam_cancelled": (
        _l("Your exam is not held"),
        _l(
            "%(title)s on %(at)s, %(place)s, is not held. There is no new date yet: your examiner gives you a seat "
            "anew, and you are told. You need do nothing until then; your first page shows what comes next."
        ),
    ),
    "exam_soon": (
        _l("Your exam is near"),
        _l(
            "%(title)s: %(at)s, %(place)s, room %(room)s. Your identity is checked there. Read the rules of the exam "
            "once more, and come a little early."
        ),
    ),
    "roleplay_soon": (
        _l("Your role-play is near"),
        _l("%(at)s, %(place)s. Open the session to see who takes part and which part is yours."),
    ),
    "case_answer_soon": (
        _l("Your time to answer a case ends soon"),
        _l("Case %(number)s: %(title)s. Say in your own words what happened, through %(last)s."),
    ),
    "case_appeal_soon": (
        _l("Your time to contest a decision ends soon"),
        _l(
            "Case %(number)s: %(title)s. You can contest the decision through %(last)s; after that it is final and its "
            "points count."
        ),
    ),
    "sanction_appeal_soon": (
        _l("Your time to contest a sanction ends soon"),
        _l("Sanction %(number)s: if you do not agree, you can contest it through %(last)s."),
    ),
    "reminded": (
        _l("A reminder of what is due"),
        _l("Please see to it now: your first page shows the next step."),
    ),
    "photos_read": (
        _l("Your photos are read"),
        _l("Photos matched: %(count)s. Look at them and set them; nothing is changed yet."),
    ),
    "photos_unreadable": (
        _l("Your zip of photos was refused"),
        _l("Nothing was changed. Its page says why and what to do."),
    ),
    "photos_applied": (
        _l("Your photos are set"),
        _l("Photos set: %(count)s. You can bring the earlier ones back for 30 days."),
    ),
    "photos_undone": (
        _l("The earlier photos are back"),
        _l("Photos brought back: %(count)s. Who got a newer one meanwhile keeps it."),
    ),
    "cards_ready": (
        _l("Your permit cards are ready"),
        _l("Cards printed: %(count)s. The file can be downloaded for a day."),
    ),
    "slips_ready": (
        _l("Your invitation slips are ready"),
        _l("Slips printed: %(count)s. The file is handed out once and is gone after an hour."),
    ),
    "print_empty": (
        _l("Nothing could be printed"),
        _l("Nobody you chose could be printed. The page of the print says why."),
    ),
    "certificate_ready": (_l("Your certificate is ready"), _l("You can open and print it under My certificates.")),
}


def word(kind: str, facts: Mapping[str, object]) -> tuple[str, str]:
    """Return title and text of a notice in the language of the running request or context."""
    title, text = WORDS.get(kind, (_l("A notice for you"), _l("Open it to read more.")))
    if not facts and _PLACE.search(str(text)):  # the person was erased, and what the notice said of them
        return str(title), _("The words were erased.")
    values = {name: _said(value) for name, value in facts.items()}
    if "about" in facts and not values.get("name"):
        values["name"] = _("Somebody no longer in your team")  # moved, or left and erased
    said = str(text) % values
    lead = LEADS.get(str(facts.get("lead")))
    return str(title), said if lead is None else _("%(lead)s %(text)s", lead=str(lead) % values, text=said)


def _said(value: object) -> str:
    """Word a fact: an instant in the reader's language, a pair picked, anything else as it is."""
    if isinstance(value, str) and _INSTANT.fullmatch(value):
        instant = datetime.fromisoformat(value)
        return when(instant, now=instant)
    return pick(value)
