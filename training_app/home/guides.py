"""The first visit and the one-page guide of each role: what to do in which order, words to know, what to do when stuck.

A step leads to a page of the product; during the first visit that page says at its top what it is for.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from flask_babel import lazy_gettext as _l


@dataclass(frozen=True, kw_only=True)
class Step:
    """One page of a guide: where it is, what it is called, what is done there."""

    endpoint: str
    icon: str
    title: object
    text: object


@dataclass(frozen=True, kw_only=True)
class Word:
    """A word that people meet, and what it means; `key` names it for pages that explain it in place."""

    key: str
    word: object
    text: object


@dataclass(frozen=True, kw_only=True)
class Trouble:
    """Something that goes wrong, and what helps."""

    when: object
    what: object


@dataclass(frozen=True, kw_only=True)
class Guide:
    """The guide of one role."""

    role: str
    title: object
    aim: object
    steps: tuple[Step, ...]
    words: tuple[str, ...]
    troubles: tuple[Trouble, ...]


WORDS = {
    one.key: one
    for one in (
        Word(
            key="permit", word=_l("Work permit"),
            text=_l(
                "The licence to visit customers. It is earned by courses, exam and role-plays, loses points by "
                "breaches, "
                "and is reviewed every year."
            ),
        ),
        Word(
            key="points", word=_l("Points"),
            text=_l(
                "What a permit has left until its limit. A breach that is decided costs points; they return when the "
                "points year ends, and study or good service win some back earlier."
            ),
        ),
        Word(
            key="points_year", word=_l("Points year"),
            text=_l("Twelve months from the day the permit was first issued. At its end the points return."),
        ),
        Word(
            key="level", word=_l("Level"),
            text=_l(
                "What somebody has shown to be able to do. It has an end of its own and is another thing than the "
                "permit."
            ),
        ),
        Word(
            key="standing", word=_l("Standing"),
            text=_l("How a valid permit stands: normal, shown as an example, or warned. It follows from the points."),
        ),
        Word(
            key="case", word=_l("Case"),
            text=_l(
                "A report that a rule may have been broken. Nothing counts until the person was told, could answer, "
                "and "
                "somebody else decided."
            ),
        ),
        Word(
            key="serve", word=_l("Serve"),
            text=_l("Tell somebody in a way that is recorded. Every time limit begins then, never earlier."),
        ),
        Word(
            key="sanction", word=_l("Sanction"),
            text=_l(
                "What follows from many points: a talk, a warning, or the end of the permit. One person decides, "
                "another "
                "confirms."
            ),
        ),
        Word(
            key="interim_stop", word=_l("Stop for safety"),
            text=_l("A pause of some days while a danger is looked at. It bears no points and has a last day."),
        ),
        Word(
            key="appeal", word=_l("Contest"),
            text=_l("Say that a result or decision is wrong. Somebody who had no part in it looks again."),
        ),
        Word(
            key="grace", word=_l("Grace"),
            text=_l(
                "Some days after the last day of a permit: jobs that were accepted before may be finished, and no new "
                "ones begun."
            ),
        ),
        Word(
            key="sitting", word=_l("Sitting"),
            text=_l("One supervised exam: a room, a time, and an examiner who checks who sits there."),
        ),
        Word(
            key="score_sheet", word=_l("Score sheet"),
            text=_l("What one rater marks about one person in one role-play. Once it is locked it does not change."),
        ),
        Word(
            key="critical", word=_l("Critical failure"),
            text=_l("Something that fails a role-play whatever the marks: an insult, a danger left unspoken."),
        ),
        Word(
            key="evidence", word=_l("Evidence"),
            text=_l(
                "What shows that a requirement is met: a finished course, a supervised exam, a locked score "
                "sheet."
            ),
        ),
        Word(
            key="award", word=_l("Award"),
            text=_l(
                "Give a level to somebody who has shown everything. Only who neither trained nor examined the person "
                "may."
            ),
        ),
        Word(
            key="job_type", word=_l("Type of job"),
            text=_l("A kind of work, such as an outdoor unit. It may need a level and a state licence."),
        ),
        Word(
            key="state_licence", word=_l("State licence"),
            text=_l(
                "A licence of the state, for electricity, refrigeration or height. Without it some jobs are "
                "closed."
            ),
        ),
        Word(
            key="reach", word=_l("Within reach"),
            text=_l("The people of the units your role is for, and of all units below them."),
        ),
        Word(
            key="tariff", word=_l("Tariff"),
            text=_l("The list of breaches and what each costs. A new one counts only for what happens after it."),
        ),
    )
}  # fmt: skip

_STUCK = Trouble(
    when=_l("A page says it cannot be found"),
    what=_l("It may be of somebody outside your reach. Go back, or ask HR whether your role covers that unit."),
)
_LINE = Trouble(
    when=_l("The connection is gone"),
    what=_l("Stay on the page. What you typed is kept, and each page says when it has been sent."),
)
_PASSWORD = Trouble(
    when=_l("You forgot your password"),
    what=_l("Ask your centre for a new slip. Scan it and choose a new password; nothing else changes."),
)

_LEARNER = Guide(
    role="learner",
    title=_l("Guide for technicians"),
    aim=_l("From the first day to your permit, and to keeping it."),
    steps=(
        Step(
            endpoint="certifications.my_way", icon="flag", title=_l("See your way"),
            text=_l("Here stands what you still need for your permit, in which order, and by which day."),
        ),
        Step(
            endpoint="courses.index", icon="learn", title=_l("Read a lesson"),
            text=_l(
                "A lesson takes five to eight minutes. Your place is kept; what you opened can be read without a "
                "connection."
            ),
        ),
        Step(
            endpoint="exams.index", icon="exam", title=_l("Quizzes and the exam"),
            text=_l(
                "Quizzes show what sits and may be repeated. The exam is written in a sitting with an examiner; its "
                "time counts on the server."
            ),
        ),
        Step(
            endpoint="permits.mine", icon="permit", title=_l("Your permit"),
            text=_l(
                "Once it is issued you show customers the code from here, and see your points, your jobs and your "
                "cases."
            ),
        ),
    ),
    words=("permit", "points", "points_year", "level", "case", "appeal"),
    troubles=(
        _LINE,
        Trouble(
            when=_l("You do not agree with a result or a case"),
            what=_l("Open it and contest it there, in your own words. Somebody who had no part in it looks again."),
        ),
        _PASSWORD,
    ),
)  # fmt: skip
_TRAINER = Guide(
    role="trainer",
    title=_l("Guide for trainers"),
    aim=_l("Plan a role-play, mark what you see and hear, and say what to change."),
    steps=(
        Step(
            endpoint="roleplay.day", icon="today", title=_l("Your day"),
            text=_l(
                "Unsent marks of this device stand on top, then sessions by time, unfinished sheets and plans to "
                "review. Scan a technician's code to come straight to what is next with them."
            ),
        ),
        Step(
            endpoint="roleplay.plan", icon="plus", title=_l("Plan a session"),
            text=_l("Choose the drill, draw a card, add who is rated and who plays the customer."),
        ),
        Step(
            endpoint="permits.report_whom", icon="case", title=_l("Report a breach"),
            text=_l(
                "Say what you saw, when and where. It counts only after the person was heard and somebody "
                "decided."
            ),
        ),
    ),
    words=("score_sheet", "critical", "evidence", "case", "reach"),
    troubles=(
        _LINE,
        Trouble(
            when=_l("You marked the wrong line"),
            what=_l("Mark it again: the newest mark counts, and the history keeps both. After locking nobody can."),
        ),
        Trouble(
            when=_l("Two raters are far apart"),
            what=_l("The product asks for a third. Talk about it only after all sheets are locked."),
        ),
    ),
)  # fmt: skip
_EXAMINER = Guide(
    role="examiner",
    title=_l("Guide for examiners"),
    aim=_l("Let the right person write the exam, in peace, with the time that is theirs."),
    steps=(
        Step(
            endpoint="exams.sittings_list", icon="eye", title=_l("Your sittings"),
            text=_l("Open the sitting of today, or plan one: exam, room and time."),
        ),
        Step(
            endpoint="exams.new_sitting", icon="plus", title=_l("Plan a sitting"),
            text=_l("Then give seats. People scan the code on their own screen, or you type their number."),
        ),
    ),
    words=("sitting", "evidence", "appeal", "reach"),
    troubles=(
        Trouble(
            when=_l("The face is not the one in the photo"),
            what=_l(
                "Say so on the sitter’s line. The seat is taken away; nothing of it stays against the right "
                "person."
            ),
        ),
        Trouble(
            when=_l("Power or connection fails"),
            what=_l(
                "Answers confirmed by the server are safe. Give one person or everybody more minutes, with the "
                "reason."
            ),
        ),
        _STUCK,
    ),
)  # fmt: skip
_CERTIFIER = Guide(
    role="certifier",
    title=_l("Guide for certifiers"),
    aim=_l("Check the evidence, then award. You never award to somebody you trained or examined."),
    steps=(
        Step(
            endpoint="certifications.award_queue", icon="award", title=_l("The award queue"),
            text=_l(
                "Who has shown everything, with the evidence, the names behind it, and the day that will be "
                "printed."
            ),
        ),
        Step(
            endpoint="certifications.retraining", icon="flag", title=_l("Back from retraining"),
            text=_l("Who has passed the retraining: your decision makes the permit valid again."),
        ),
    ),
    words=("evidence", "award", "level", "permit", "reach"),
    troubles=(
        Trouble(
            when=_l("Somebody is blocked"),
            what=_l("The reason stands beside the name. If it is you who trained them, another certifier awards."),
        ),
        Trouble(
            when=_l("The evidence does not convince you"),
            what=_l("Refuse with the reason. The person reads it, and what would allow the award."),
        ),
        _STUCK,
    ),
)  # fmt: skip
_MANAGER = Guide(
    role="centre-manager",
    title=_l("Guide for centre managers"),
    aim=_l("Send only people who may go, and know why somebody may not."),
    steps=(
        Step(
            endpoint="dashboards.today", icon="today", title=_l("Who may go today"),
            text=_l("Who may go, with limits, or not, why, and what changes next. Find and call who goes instead."),
        ),
        Step(
            endpoint="dashboards.people", icon="people", title=_l("Your people"),
            text=_l("Who is certified at which level, what runs out when, and who has how many points."),
        ),
        Step(
            endpoint="permits.stop_whom", icon="pause", title=_l("Stop for safety"),
            text=_l(
                "If there is a danger, stop first. It needs a reason and a last day, bears no points, and is "
                "reviewed."
            ),
        ),
        Step(
            endpoint="permits.report_whom", icon="case", title=_l("Report a breach"),
            text=_l("Say what happened, when and where. It counts only after the person was heard and HR decided."),
        ),
    ),
    words=("permit", "points", "job_type", "state_licence", "interim_stop", "case"),
    troubles=(
        Trouble(
            when=_l("Somebody may not work today"),
            what=_l("Today says why and until when. Choose Substitute there to find who nearby may do the job."),
        ),
        Trouble(
            when=_l("A permit or licence ends soon"),
            what=_l(
                "You are told in time, on the days that the settings name. Arrange the review before the last "
                "day."
            ),
        ),
        _STUCK,
    ),
)  # fmt: skip
_HR = Guide(
    role="hr",
    title=_l("Guide for HR"),
    aim=_l("Keep the records true, decide cases fairly, and be able to explain every state on any day."),
    steps=(
        Step(
            endpoint="dashboards.people", icon="people", title=_l("People"),
            text=_l(
                "Find anybody by name or number, filter, export; open a person to read the whole story with its "
                "why."
            ),
        ),
        Step(
            endpoint="dashboards.units", icon="unit", title=_l("Units"),
            text=_l("Where everybody belongs. A role reaches a unit and all below it."),
        ),
        Step(
            endpoint="permits.cases", icon="case", title=_l("Cases"),
            text=_l("What waits for you, with its clock: serve the notice, hear the person, decide with reasons."),
        ),
        Step(
            endpoint="dashboards.messages", icon="bell", title=_l("Delivery log"),
            text=_l("Which mails were refused and why; correct the address and send again."),
        ),
    ),
    words=("case", "serve", "sanction", "appeal", "tariff", "reach"),
    troubles=(
        Trouble(
            when=_l("You have a part in a case yourself"),
            what=_l("The page says so and leaves the decision to somebody else. Do not look for a way round it."),
        ),
        Trouble(
            when=_l("Something was recorded wrongly"),
            what=_l("Correct it: a new line says what is right, and the old one stays readable with its day."),
        ),
        _STUCK,
    ),
)  # fmt: skip
_HR_LEAD = Guide(
    role="hr-lead",
    title=_l("Guide for HR leads"),
    aim=_l("Confirm what others decided, answer contests, and open again what has to be."),
    steps=(
        Step(
            endpoint="permits.sanctions", icon="decide", title=_l("Sanctions to confirm"),
            text=_l("Read what was decided and why. Nothing takes effect until you have confirmed and it was served."),
        ),
        Step(
            endpoint="permits.cases", icon="case", title=_l("Contested cases"),
            text=_l("Decide as somebody who had no part in it. A contest can never end worse than it began."),
        ),
    ),
    words=("sanction", "appeal", "serve", "case", "tariff"),
    troubles=(
        Trouble(
            when=_l("New evidence turns up"),
            what=_l("Open the case again with the reason; the person is told and heard again."),
        ),
        _STUCK,
    ),
)  # fmt: skip
_ADMINISTRATOR = Guide(
    role="administrator",
    title=_l("Guide for administrators"),
    aim=_l("Give roles, keep the settings, read the audit trail."),
    steps=(
        Step(
            endpoint="dashboards.settings", icon="settings", title=_l("Settings"),
            text=_l(
                "Name, hotline, reminders, how long things are kept. Each change is a version that stays "
                "readable."
            ),
        ),
        Step(
            endpoint="dashboards.roles", icon="shield", title=_l("Roles"),
            text=_l("What each role may do. An administrator is made by two people."),
        ),
        Step(
            endpoint="dashboards.working_days", icon="calendar", title=_l("Working days"),
            text=_l("Days off and make-up workdays: the clocks of cases run by them. Enter the next year in time."),
        ),
        Step(
            endpoint="dashboards.audit", icon="audit", title=_l("Audit trail"),
            text=_l("Who did what and when. Nobody can change it, and any edit would show."),
        ),
    ),
    words=("reach", "tariff", "serve", "permit"),
    troubles=(
        Trouble(
            when=_l("Somebody lacks a right"),
            what=_l("Open the person, Change the roles. Your own rights are widened by another administrator."),
        ),
        _STUCK,
    ),
)  # fmt: skip

# In the order in which somebody with several roles reads them: tasks for others first.
GUIDES = {
    one.role: one
    for one in (_HR_LEAD, _HR, _MANAGER, _CERTIFIER, _EXAMINER, _TRAINER, _ADMINISTRATOR, _LEARNER)
}  # fmt: skip


def guides_for(roles: Collection[str]) -> list[Guide]:
    """Return the guides of these roles, the one to begin with first."""
    return [guide for role, guide in GUIDES.items() if role in roles]


def find_step(mark: str) -> tuple[Guide, int] | None:
    """Return the guide and the place (from 0) that the mark of an address names, such as "learner-2"; None for none."""
    role, _dash, number = mark.rpartition("-")
    guide = GUIDES.get(role)
    if guide is None or not (number.isascii() and number.isdecimal()) or len(number) > 2:
        return None
    place = int(number) - 1
    return (guide, place) if 0 <= place < len(guide.steps) else None
