"""Words of this room: what each field is called and does, what its values and faults are called."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date
from typing import Any

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from training_app.policies.checking import Fault
from training_app.policies.diff_rules import Change
from training_app.policies.field_rules import ENTRIES
from training_app.policies.rules import DraftMove, DraftState, RecordKind
from training_app.roleplay.wording import drill_words
from training_app.web import day, pick

FIELDS: Mapping[str, tuple[object, object]] = {
    "title.zh": (_l("Title, Chinese"), _l("What people read on top of the page and in notices.")),
    "title.en": (_l("Title, English"), ""),
    "summary.zh": (
        _l("Summary, Chinese"),
        _l("In two or three sentences: what this policy is for, and what is new in it."),
    ),
    "summary.en": (_l("Summary, English"), ""),
    "note.zh": (_l("Note, Chinese"), _l("May stay empty. It is shown above the codes.")),
    "note.en": (_l("Note, English"), ""),
    "effective_on": (
        _l("Counts from"),
        _l(
            "The first day on which this version counts. It lies after its publication: what was decided before "
            "keeps the version of its day."
        ),
    ),
    "change": (
        _l("Kind of change"),
        _l("Substantive where figures or duties change; editorial where only words were mended."),
    ),
    "limit": (
        _l("Limit of points"),
        _l(
            "How many points a permit has. Example: with 12, three breaches of 3 points leave 3. The last stage "
            "cannot lie above it."
        ),
    ),
    "tariff": (_l("Tariff"), _l("Which list of breaches and points belongs to this policy.")),
    "same_occasion.kind": (
        _l("Several breaches on one occasion"),
        _l(
            "How breaches of the same visit count together. Example: 3 and 6 points on one visit make 9 added "
            "up, or 6 where the highest counts."
        ),
    ),
    "same_occasion.n": (
        _l("At most, per occasion"),
        _l("Points that one occasion costs at most, however many breaches it holds."),
    ),
    "window.kind": (
        _l("How long points count"),
        _l(
            "A points year from the first issue of the permit; a number of months from each breach; a length by "
            "the weight of each breach; or until a clean time has passed."
        ),
    ),
    "window.months": (
        _l("Length in months"),
        _l("Example: 12 months from 10 March end with 9 March of the next year."),
    ),
    "window.closed": (_l("Both ends count"), _l("Breaches exactly that many months apart then still count together.")),
    "window.from_existence": (
        _l("Counted from when the decision is final"),
        _l("Otherwise each length runs from the day of the breach."),
    ),
    "window.within_months": (
        _l("Gone at the latest after, months"),
        _l(
            "Empty: only a clean time takes points away. Example: 36 lets each breach go after three years in any case."
        ),
    ),
    "window.lengths": (
        _l("Lengths by points"),
        _l(
            "From so many points on, an entry counts for so many months. Example: from 1 point 12 months, from 6 "
            "points 24."
        ),
    ),
    "window.lengths.points": (_l("From points on"), ""),
    "window.lengths.months": (_l("Months"), ""),
    "carry": (
        _l("What goes on into the next points year"),
        _l(
            "Unresolved: only what a corrective task is still open for. Example: 3 points whose task is open on "
            "the last day count in the next year too."
        ),
    ),
    "stages": (
        _l("Stages"),
        _l("At how many points deducted something is proposed, and what. A person decides, another confirms."),
    ),
    "stages.at": (_l("At points deducted"), ""),
    "stages.sanction": (_l("What is proposed"), ""),
    "stages.months": (_l("Suspended, months"), ""),
    "stages.days": (_l("Suspended, days"), ""),
    "stages.must_follow_previous": (_l("Only after the stage before was served"), ""),
    "stages.reduce_to": (_l("Else brought down to"), ""),
    "latch": (
        _l("A stage stays due once it is met"),
        _l("Example: 4 points met the talk; a reward of 1 brings the total to 3, and the talk is still held."),
    ),
    "patterns": (
        _l("Repeated breaches"),
        _l(
            "So many breaches of at least so many points in so many months are proposed for something besides. "
            "One breach alone: zero tolerance."
        ),
    ),
    "patterns.count": (_l("How many times"), ""),
    "patterns.points": (_l("Each of at least"), ""),
    "patterns.months": (_l("Within months"), ""),
    "patterns.sanction": (_l("What is proposed"), ""),
    "history.lookback_months": (
        _l("Earlier sanctions weigh for, months"),
        _l("How far back suspensions and revocations are counted. Empty: all of them."),
    ),
    "history.is_reset_by_clean": (
        _l("Forgotten after a clean time"),
        _l("Only where points count until a clean time has passed."),
    ),
    "history.thresholds": (
        _l("Other stages after earlier sanctions"),
        _l(
            "Stages that stand for who was suspended or revoked so often before. Example: after 1 earlier one, "
            "suspended from 6 points on already."
        ),
    ),
    "history.thresholds.after": (_l("After earlier sanctions"), ""),
    "history.repeats": (
        _l("Longer when repeated"),
        _l("A suspension that is at least so-manieth lasts at least so long. Example: the second one 2 months."),
    ),
    "history.repeats.count": (_l("From the … on"), ""),
    "history.repeats.months": (_l("Months"), ""),
    "history.repeats.days": (_l("Days"), ""),
    "history.lengths": (_l("Longer by points"), _l("A suspension that so many points led to lasts at least so long.")),
    "history.lengths.points": (_l("From points on"), ""),
    "history.lengths.months": (_l("Months"), ""),
    "history.lengths.days": (_l("Days"), ""),
    "after_sanction": (
        _l("When the points behind a sanction are cleared"),
        _l("Example: with “once retraining is passed”, who was revoked at 12 starts anew when the exam is passed."),
    ),
    "gap_points": (
        _l("Points between notice and start"),
        _l(
            "Breaches after the sanction was served and before its points are cleared: they stay, or go with the "
            "others."
        ),
    ),
    "escalation.lookback_months": (
        _l("Earlier revocations count for, months"),
        _l("Empty: all of them, however long ago."),
    ),
    "escalation.steps": (
        _l("What retraining asks for"),
        _l(
            "The first revocation asks for the first line, the second for the second, and so on. Points: from so "
            "many deducted on, the line holds at once."
        ),
    ),
    "escalation.steps.points": (_l("Or from points deducted on"), ""),
    "escalation.steps.parts": (_l("To be passed"), ""),
    "retraining.exam": (_l("Exam of the theory"), _l("Which exam shows the theory.")),
    "retraining.practical": (_l("Role-play of the practical part"), _l("Which role-play shows the practical part.")),
    "retraining.panel": (_l("Role-play before the panel"), _l("Which role-play is shown to several raters.")),
    "retraining.panel_raters": (_l("Raters of the panel"), _l("At least 2.")),
    "retake_wait_days": (
        _l("Days before an exam is tried again"),
        _l("Example: with 10, who fails on the 1st may try again on the 11th."),
    ),
    "training_slip_days": (
        _l("Days to do a training slip"),
        _l("After a case that cost points its lesson is read again. With 14, a slip of the 1st is due on the 15th."),
    ),
    "merit.routes": (
        _l("What wins points back"),
        _l("Each way of winning points back, and how many it brings. The tariff’s rewards name one of these ways."),
    ),
    "merit.routes.route": (_l("Way, as a code"), ""),
    "merit.routes.points": (_l("Points"), ""),
    "merit.cap": (
        _l("Most points won back in one window"),
        _l("Empty: no bound. Example: with 6, of 4 + 4 points the last 2 find no use."),
    ),
    "merit.below_limit_only": (
        _l("Only below the limit"),
        _l("With all points gone nothing is won back before retraining."),
    ),
    "merit.minimum_gap_days": (_l("Days between two rewards"), _l("0: none.")),
    "merit.exclusions": (_l("Breaches that cannot be won back"), _l("Points of these codes stay, whatever is won.")),
    "merit.bank": (
        _l("Points kept for later"),
        _l("Rewards that find nothing to win back are kept for later breaches, up to so many. Empty: not kept."),
    ),
    "merit.clean.months": (
        _l("Clean months that bring a reward"),
        _l("Empty: no such reward. It needs points that may be kept."),
    ),
    "merit.clean.points": (_l("Points for them"), ""),
    "answer_working_days": (
        _l("Working days to answer"),
        _l("From the service of the notice. The day of service is not counted."),
    ),
    "appeal.working_days": (
        _l("Working days to contest"),
        _l("From the service of the decision. Only after that the points count."),
    ),
    "appeal.suspends": (
        _l("What contesting holds up"),
        _l("The sanction, or nothing. A stop for safety is held up by nothing."),
    ),
    "late_discovery.limitation_months": (
        _l("Nothing is reported after, months"),
        _l("Example: with 24, what happened more than two years ago is reported no more."),
    ),
    "late_discovery.closed_window": (
        _l("Found after its points year ended"),
        _l("Counted in its own year anew, in the present one, or not at all."),
    ),
    "interim_stop.days": (
        _l("Days of a stop for safety"),
        _l("A manager may stop somebody at once for a danger. It ends by itself after so many days."),
    ),
    "interim_stop.renewals": (_l("How often it may be renewed"), _l("0: not at all.")),
    "zone": (_l("Legal time zone"), _l("In which zone days begin and end, such as Asia/Shanghai.")),
    "validity_months": (_l("Validity of a permit in months"), _l("Then it is renewed by the annual review.")),
    "renewal_window_days": (_l("Renewal opens so many days before"), _l("What is done before that does not renew.")),
    "grace_days": (_l("Days of grace"), _l("After the end only jobs that had been accepted may be finished.")),
    "renewal.base": (
        _l("From where a renewed validity runs"),
        _l("From the old end nobody loses days by renewing early."),
    ),
    "renewal.fixed_on": (_l("Fixed base day"), ""),
    "renewal.least_months": (_l("At least so many months remain"), ""),
    "review.points_at_most": (
        _l("Points up to which a permit is renewed without a condition"),
        _l("With more deducted the certifier names a condition and its last day. Empty: points do not matter."),
    ),
    "review.condition_days": (_l("Longest time for a condition in days"), _l("Empty: 90.")),
    "review.unmet_days": (
        _l("Suspension in days where a condition is not met"),
        _l("It is proposed by itself; two people decide on it. Empty: 30."),
    ),
    "review.lessons": (
        _l("Lessons that everybody reads again"),
        _l("Read to the end inside the renewal window, they count; what was read before does not."),
    ),
    "review.breach_lessons": (
        _l("And the lessons of one’s own breaches"),
        _l("Those that the tariff names for the breaches which still count when the window opens."),
    ),
    "review.exam": (_l("Exam of the annual review"), _l("Passed under supervision, once the lessons are read.")),
    "review.observation.drill": (
        _l("Role-play in which a part is observed"),
        _l("Then say of whom: by points, by a drawn share, or both."),
    ),
    "review.observation.from_points": (_l("Of who has so many points deducted"), ""),
    "review.observation.one_in": (
        _l("And of one in so many others"),
        _l("Drawn by the permit’s number, so that nobody picks. 5 draws about a fifth."),
    ),
    "codes.code": (
        _l("Code"),
        _l("Lower-case letters, digits and hyphens. Cases keep it, so it is not reused for something else."),
    ),
    "codes.points": (_l("Points"), _l("0 is a reminder without points.")),
    "codes.title.zh": (_l("Title, Chinese"), ""),
    "codes.title.en": (_l("Title, English"), ""),
    "codes.text.zh": (_l("What it covers, Chinese"), _l("What is a breach, what is not, and what shows it.")),
    "codes.text.en": (_l("What it covers, English"), ""),
    "codes.lesson": (_l("Lesson that mends it"), _l("Who was reported for this reads this lesson.")),
    "codes.from": (_l("Counts from"), _l("What happened before this day is not reported under this code.")),
    "merits.code": (_l("Code"), _l("Lower-case letters, digits and hyphens.")),
    "merits.points": (_l("Points won back"), ""),
    "merits.route": (_l("Way of winning points back"), _l("One of the ways that the policy knows.")),
    "merits.title.zh": (_l("Title, Chinese"), ""),
    "merits.title.en": (_l("Title, English"), ""),
    "merits.text.zh": (_l("What it takes, Chinese"), ""),
    "merits.text.en": (_l("What it takes, English"), ""),
    "merits.from": (_l("Counts from"), ""),
    "examples.name.zh": (
        _l("What the example shows, Chinese"),
        _l("Such as “One broken promise takes 3 points and leaves 9”."),
    ),
    "examples.name.en": (_l("What the example shows, English"), ""),
    "examples.history": (
        _l("What happens"),
        _l(
            "Days count from the first issue of the permit: 0 is that day. A code takes its points from the "
            "tariff; or type the points."
        ),
    ),
    "examples.history.day": (_l("On day"), ""),
    "examples.history.kind": (_l("What"), ""),
    "examples.history.code": (_l("Code"), ""),
    "examples.history.points": (_l("Points"), ""),
    "examples.history.final_after": (_l("Final after days"), ""),
    "examples.history.occasion": (_l("Occasion"), ""),
    "examples.as_of": (_l("Looked at on day"), ""),
    "examples.expect.total": (_l("Points deducted then"), ""),
    "examples.expect.left": (_l("Points left then"), ""),
    "examples.expect.stage": (_l("Highest stage met"), _l("Empty: none.")),
    "examples.expect.sanction": (_l("Proposed next"), ""),
    "examples.expect.state": (_l("How the holder stands"), ""),
}
CHOICES: Mapping[str, Mapping[str, object]] = {
    "change": {"substantive": _l("substantive"), "editorial": _l("editorial")},
    "same_occasion.kind": {
        "sum": _l("all of them are added up"),
        "max": _l("only the highest counts"),
        "cap": _l("added up, to a most"),
    },
    "window.kind": {
        "cycle": _l("a points year from the first issue"),
        "rolling": _l("months from each breach"),
        "per_entry": _l("each breach by its weight"),
        "clean_reset": _l("until a clean time has passed"),
    },
    "carry": {"none": _l("nothing"), "unresolved": _l("what is unresolved"), "all": _l("everything")},
    "sanction": {
        "talk": _l("a talk"),
        "warning": _l("a warning"),
        "review": _l("a review"),
        "suspend": _l("suspension"),
        "revoke": _l("revocation"),
    },
    "after_sanction": {
        "never": _l("never cleared"),
        "start": _l("when it begins"),
        "end": _l("when it ends"),
        "exam_passed": _l("once retraining is passed"),
    },
    "gap_points": {"count_after": _l("they stay"), "cleared": _l("they go with the others")},
    "parts": {"theory": _l("theory"), "practical": _l("practical part"), "panel": _l("panel")},
    "appeal.suspends": {
        "none": _l("nothing"),
        "sanction": _l("the sanction is held up"),
        "entry": _l("the points too"),
    },
    "late_discovery.closed_window": {
        "reopen_now": _l("its own year is counted anew"),
        "current": _l("it counts in the present year"),
        "drop": _l("it does not count"),
    },
    "renewal.base": {
        "completion": _l("the day it is completed"),
        "old_expiry": _l("the old end"),
        "fixed_base": _l("a fixed day of the year"),
    },
    "kind": {
        "breach": _l("breach"),
        "reward": _l("reward"),
        "clear": _l("retraining passed"),
        "served": _l("what is due is served"),
    },
    "expect.state": {
        "normal": _l("normal"),
        "warning": _l("warning stage"),
        "suspended": _l("suspended"),
        "revoked": _l("revoked"),
    },
    "route": {"online": _l("online course"), "class": _l("class"), "service": _l("good service")},
}
SECTION_WORDS: Mapping[str, object] = {
    "names": _l("Names and day"),
    "points": _l("Points and tariff"),
    "window": _l("How long points count"),
    "stages": _l("Stages and patterns"),
    "history": _l("Earlier sanctions"),
    "retraining": _l("After a sanction, retraining"),
    "merit": _l("Winning points back"),
    "procedure": _l("Clocks of the procedure"),
    "validity": _l("Validity and renewal"),
    "review": _l("Annual review"),
    "codes": _l("Breaches and their points"),
    "merits": _l("Rewards and their points"),
    "examples": _l("Worked examples"),
}
REASONS: Mapping[str, object] = {
    "missing": _l("This is missing."),
    "must rise": _l("The lines have to rise from one to the next, each figure once."),
    "must be a whole number": _l("Enter a whole number."),
    "must be a day": _l("Enter a day such as 2027-01-01."),
    "choose one": _l("Choose one of these."),
    "must be a code": _l("Use lower-case letters, digits and single hyphens, such as on-time."),
    "is too long": _l("This is too long."),
    "each route once": _l("Each way may stand there once."),
    "the first one follows none": _l("The first stage follows no other; take the mark away there."),
    "must lie below the stage, which must follow the one before": _l(
        "This figure lies below its stage, and only a stage that follows the one before has it."
    ),
    "a suspension has months or days, nothing else has": _l(
        "A suspension needs months or days; everything else has none."
    ),
    "a pattern has no months: review, warning or revoke": _l("A pattern cannot propose a suspension."),
    "only a cycle carries points: none": _l("Only a points year carries points on."),
    "must rise, and there must be one": _l("There has to be one line at least, and the points have to rise."),
    "must not be empty": _l("Choose at least one."),
    "counts must run 1, 2, 3 …": _l("There has to be one line at least."),
    "needs a bank to keep the points in": _l("This reward needs points that may be kept: enter how many above."),
    "unknown zone": _l("No time zone is called that. Enter one such as Asia/Shanghai."),
    "must be text": _l("This is missing."),
    "must be true or false": _l("Choose one of these."),
    "must be a list": _l("There has to be one line at least."),
    "must be a mapping": _l("This is missing."),
    "needs points, or a code that has some": _l("Enter points, or choose a code that has some."),
    "only a breach or a reward has points": _l("Only a breach or a reward has points or a code."),
}

_BOUND = re.compile(r"must be (\d+) or (more|less|fewer)")


def label(path: str, name: str = "") -> str:
    """Return what a field is called; `name`: the field of a row or of an entry."""
    found = FIELDS.get(f"{path}.{name}" if name else path)
    if found is None and name:
        found = FIELDS.get(f"stages.{name}")  # rows of stages stand in several lists
    return str(found[0]) if found else name or path


def hint(path: str, name: str = "") -> str:
    """Return what a field does, with an example where it needs one; "" where its name says it."""
    found = FIELDS.get(f"{path}.{name}" if name else path)
    return str(found[1]) if found else ""


def choice(path: str, value: Any) -> str:
    """Return what a value of a choice is called."""
    for name in (path, path.rpartition(".")[2], ".".join(path.split(".")[-2:])):
        if value in CHOICES.get(name, {}):
            return str(CHOICES[name][value])
    return drill_words(str(value))


def value(path: str, found: Any, options: Mapping[str, Any] | None = None) -> str:
    """Return a value of a field in words."""
    if found is None or found == [] or found == "":
        return str(_("none"))
    if isinstance(found, bool):
        return str(_("yes")) if found else str(_("no"))
    if isinstance(found, Mapping):
        return row(path, found, options)
    if isinstance(found, list):
        return str(_(", ")).join(value(path, one, options) for one in found)
    if isinstance(found, int):
        return str(found)
    if options and found in options:
        return pick(options[found])
    try:
        return day(date.fromisoformat(str(found)))
    except ValueError:
        return choice(path, found)


def row(path: str, found: Mapping[str, Any], options: Mapping[str, Any] | None = None) -> str:
    """Return a row of a list in words, its fields in the order of the form."""
    if {"zh", "en"} <= found.keys():
        return pick(dict(found))
    told = [
        _("%(label)s: %(value)s", label=label(path, name), value=value(f"{path}.{name}", one, options))
        for name, one in found.items()
        if one not in (None, False, "", []) and (path, name) != ("escalation.steps", "count")
    ]
    return str(_("; ")).join(str(one) for one in told)


def change_label(change: Change) -> str:
    """Return where a difference stands, in words."""
    section = str(SECTION_WORDS[change.section])
    if change.section in ENTRIES:
        name = label(f"{change.section}.{change.path}") if change.path else ""
        return str(_("%(section)s, %(row)s", section=section, row=change.row)) + (f" · {name}" if name else "")
    name = label(change.path)
    return str(_("%(field)s, line %(row)s", field=name, row=change.row)) if change.row else name


def reason(code: str) -> str:
    """Return in words why an input cannot be accepted."""
    if code in REASONS:
        return str(REASONS[code])
    bound = _BOUND.search(code)
    if bound is not None:
        number = bound[1]
        words = _("Enter %(number)s or more.") if bound[2] == "more" else _("Enter %(number)s or less.")
        return str(words % {"number": number})
    return str(_("This does not fit here."))


def fault(one: Fault) -> str:
    """Return in words what is wrong."""
    of = one.values
    if one.code == "invalid":
        return reason(str(of["reason"]))
    if one.code == "checker":
        return str(_("Other content does not fit: %(where)s – %(reason)s", **of))
    what = pick(of.get("what"))
    words = {
        "missing": _("This is missing."),
        "too_early": _("The day has to lie after the publication: from %(day)s on.", day=day(of.get("day"))),
        "before_another": _(
            "A version is published that counts only from a later day. Choose %(day)s or later.", day=day(of.get("day"))
        ),
        "unsupported": _("The product does not know this value."),
        "not_carried_out": _("Cases and sanctions do not carry this out yet, so it cannot be published."),
        "stages_to_limit": _("There has to be a stage, and none may lie above the limit of points."),
        "over_limit": _(
            "“%(what)s” costs %(points)s points, more than the limit of %(limit)s.", what=what,
            points=of.get("points", ""), limit=of.get("limit", ""),
        ),
        "no_route": _(
            "“%(what)s” is won by the way “%(route)s”, which the policy does not have.", what=what,
            route=of.get("route", ""),
        ),
        "no_code": _("The tariff has no code “%(what)s”.", what=what),
        "twice": _("The code “%(what)s” stands there twice.", what=what),
        "no_codes": _("A tariff has one breach at least."),
    }  # fmt: skip
    return str(words[one.code])


def fault_place(one: Fault) -> str:
    """Return where a fault is mended, in words."""
    section = str(SECTION_WORDS.get(one.section, ""))
    found = FIELDS.get(re.sub(r"-\d+-", ".", one.name))
    return f"{section} · {found[0]}" if found and section else section


def figure(name: str) -> str:
    """Return what a figure of an outcome is called."""
    return str(
        {
            "total": _("Points deducted"), "left": _("Points left"), "stage": _("Highest stage met"),
            "sanction": _("Proposed next"), "state": _("How the holder stands"),
        }[name]
    )  # fmt: skip


def outcome_value(name: str, found: Any) -> str:
    """Return a figure of an outcome in words."""
    if found is None:
        return str(_("none"))
    plain = getattr(found, "value", found)
    path = {"sanction": "sanction", "state": "expect.state"}.get(name, name)
    return str(plain) if isinstance(plain, int) else choice(path, plain)


def state_words(state: DraftState) -> tuple[str, str]:
    """Return kind and word of the badge of a draft."""
    return {
        DraftState.OPEN: ("info", str(_("being written"))),
        DraftState.HANDED_IN: ("attention", str(_("handed in, waits for its publication"))),
        DraftState.PUBLISHED: ("valid", str(_("published"))),
        DraftState.DISCARDED: ("unknown", str(_("discarded"))),
    }[state]


def permit_state(state: str) -> str:
    """Return what a state of a permit is called."""
    found = {
        "valid": _("Valid"), "renewal_open": _("Valid, renewal open"), "grace": _("Run out: only jobs accepted before"),
        "suspended": _("Stopped for now"), "revoked": _("Permit revoked"),
        "retraining": _("Permit revoked, in retraining"), "barred": _("Barred"), "lapsed": _("Lapsed"),
        "surrendered": _("Given back"),
    }  # fmt: skip
    return str(found.get(state, state))


def move_words(move: DraftMove) -> str:
    """Return what was done with a draft."""
    return str(
        {
            DraftMove.OPEN: _("Draft begun"), DraftMove.SAVE: _("Draft changed"),
            DraftMove.HAND_IN: _("Draft handed in"),
            DraftMove.SEND_BACK: _("Sent back"), DraftMove.PUBLISH: _("Published"), DraftMove.DISCARD: _("Discarded"),
        }[move]
    )  # fmt: skip


def record_words(kind: RecordKind) -> str:
    """Return what a kind of record is called."""
    return str(
        {
            RecordKind.CONSULTED: _("Consultation"), RecordKind.ANNOUNCED: _("Made known to staff"),
            RecordKind.ADOPTED: _("Adopted by a company"),
        }[kind]
    )  # fmt: skip


def kind_word(kind: str) -> str:
    """Return what a kind of draft is called."""
    return str(_("Points policy")) if kind == "points_policy" else str(_("Tariff"))
