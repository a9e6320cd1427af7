"""What can be refused around an exam, in words."""

from __future__ import annotations

from datetime import datetime

from training_app.errors import DomainError, Invalid
from training_app.exams.rules import StartAnswer


class StartRefused(DomainError):
    """The exam may not start now; `answer` says why, `allowed_at` from when it may."""

    code = "start_refused"
    message = "This exam cannot be started now. Its page says why and what would allow it."

    def __init__(self, answer: StartAnswer | None, allowed_at: datetime | None = None) -> None:
        super().__init__(answer=answer)
        self.answer = answer
        self.allowed_at = allowed_at


class SittingNotOpen(DomainError):
    """The person's sitting has not begun."""

    code = "sitting_not_open"
    message = "Your sitting has not begun yet. The exam can be started when it opens."


class AttemptRunning(DomainError):
    """An attempt of this exam is open already; it goes on instead of a new one."""

    code = "attempt_running"
    message = "An attempt at this exam is already open. Go on with it."

    def __init__(self, public_id: str) -> None:
        super().__init__()
        self.public_id = public_id


class AttemptClosed(DomainError):
    """The attempt has ended: handed in, run out of time, or voided."""

    code = "attempt_closed"
    message = "This attempt was already handed in. What the server had confirmed until then counts."


class OpenedElsewhere(DomainError):
    """A writer with an older epoch: the paper was opened on another device or in another window since."""

    code = "opened_elsewhere"
    message = "This exam continues on another device or in another window. To go on here, take it over."


class BadAnswer(Invalid):
    """An answer that does not fit its question."""

    code = "bad_answer"
    message = "One of the answers does not fit its question. Load the page again and answer it anew."


class AlreadyContested(DomainError):
    """One contest per attempt; it is answered before another can be sent."""

    code = "already_contested"
    message = "You have already contested this result. Your words were kept; they can be sent once."


class WordsNeeded(Invalid):
    """Words are required and were missing or too long."""

    code = "words_needed"
    message = "Write down why, in 1 to 2000 characters."


class SittingEnded(DomainError):
    """The sitting is over."""

    code = "sitting_ended"
    message = "This sitting has ended; nothing about it can be changed."


class StillWriting(DomainError):
    """A sitting ends when everybody has handed in or run out of time."""

    code = "still_writing"
    message = (
        "%(count)s people are still writing. The sitting can be ended when they have handed in or their time is over."
    )


class SittingTimes(Invalid):
    """The times of a sitting make no sense."""

    code = "sitting_times"
    message = "A sitting closes after it opens, on the same or the next day, and not in the past."


class CannotAdmit(DomainError):
    """The person cannot sit this exam now; `answer` says why."""

    code = "cannot_admit"
    message = "This person cannot be admitted to this sitting now."

    def __init__(self, answer: StartAnswer, allowed_at: datetime | None = None) -> None:
        super().__init__(answer=answer)
        self.answer = answer
        self.allowed_at = allowed_at


class BadExtension(Invalid):
    """Minutes out of bounds."""

    code = "bad_extension"
    message = "An extension is 1 to 240 whole minutes."


class AlreadyAnswered(DomainError):
    """A contest is answered once."""

    code = "already_answered"
    message = "This contest has been answered already. The answer stands below."


class ExaminedHere(DomainError):
    """Who examined an attempt does not judge what is said against it."""

    status = 403
    code = "examined_here"
    message = "You examined this attempt yourself, so another person has to answer the contest."


class BadFactor(Invalid):
    """A share of more time that cannot be given; `values`: most, in percent."""

    code = "bad_factor"
    message = "Give between 1 and %(most)s percent more time."


class BadPeriod(Invalid):
    """A period of a time factor that lies behind us, ends before it begins, or begins too far ahead."""

    code = "bad_period"
    message = "The first day has to be today or within a year from now, and the last day not before it."


class NothingToEnd(DomainError):
    """No time factor holds or is to come."""

    code = "nothing_to_end"
    message = "Nothing is recorded that could be ended."
