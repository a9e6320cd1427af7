"""Named errors that people can be told about, and their way to a page or to JSON.

A service raises a `DomainError`; what no view words itself is shown by `training_app.app` with the status and the
message found here. Messages are English message ids; the page translates them.
"""

from __future__ import annotations


class DomainError(Exception):
    """Something a person asked for that cannot be done; carries a stable code and the values of its message."""

    status = 409
    code = "refused"
    message = "This cannot be done now."

    def __init__(self, **values: object) -> None:
        self.values = values
        super().__init__(self.code, values)

    @property
    def sent_field(self) -> str | None:
        """Return which of what was sent is meant, where one is."""
        return str(self.values["field"]) if "field" in self.values else None

    @property
    def headers(self) -> dict[str, str]:
        """Return what the answer says to programs besides its status."""
        return {"Retry-After": str(self.values["seconds"])} if "seconds" in self.values else {}


class NotFound(DomainError):
    """What is missing and what is out of reach look alike."""

    status = 404
    code = "not_found"
    message = "There is nothing here, or it is not yours to see."


class Forbidden(DomainError):
    """The person may see the object but not do this to it."""

    status = 403
    code = "forbidden"
    message = "Your role does not allow this step."


class SamePerson(DomainError):
    """A step that needs another person than the one who acts."""

    status = 403
    code = "same_person"
    message = "Another person has to take this step."


class Invalid(DomainError):
    """Input that does not make sense; says which field, why, and what to do."""

    status = 422
    code = "invalid"
    message = "Some of what was entered cannot be accepted."


class Throttled(DomainError):
    """Too many attempts; `values` holds `seconds` to wait."""

    status = 429
    code = "throttled"
    message = "Too many attempts. Please wait %(seconds)s seconds and try again."
