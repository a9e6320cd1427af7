"""What all checkers of authored content share: words in two languages, stamps, problems with a mend."""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Iterable
from dataclasses import dataclass
from datetime import date
from fractions import Fraction
from typing import Annotated, Any, Literal
from zoneinfo import ZoneInfo

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    SerializerFunctionWrapHandler,
    ValidationError,
    model_serializer,
)
from pydantic_core import PydanticCustomError

Language = Literal["zh", "en"]
LANGUAGES: tuple[Language, ...] = ("zh", "en")


@dataclass(frozen=True, kw_only=True)
class Problem:
    """Something wrong in a file: where (a dotted path), why, and how to mend it."""

    file: str
    where: str
    reason: str
    mend: str


def fault(reason: str, mend: str) -> PydanticCustomError:
    """Return an error that a validator raises, with its own mend."""
    return PydanticCustomError("content", "{reason}", {"reason": reason, "mend": mend})


class Strict(BaseModel):
    """A mapping that holds exactly its fields, and no value that YAML has guessed into another type.

    A dump gives back what was written: an optional field that was left out stays out, so that a field
    added later changes no hash of an older version.
    """

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, serialize_by_alias=True)

    @model_serializer(mode="wrap")
    def _as_written(self, dump: SerializerFunctionWrapHandler) -> dict[str, Any]:
        fields = type(self).model_fields
        left_out = {fields[name].alias or name for name in fields if name not in self.model_fields_set}
        return {name: value for name, value in dump(self).items() if name not in left_out}


def _not_blank(text: str) -> str:
    if not text.strip():
        raise fault("the text is empty", "Write the text.")
    return text


def _share(text: str) -> str:
    top, slash, bottom = text.partition("/")
    is_fraction = slash and top.isdecimal() and bottom.isdecimal() and text.isascii() and int(bottom)
    if not is_fraction or Fraction(text) > 1:
        raise fault("not a share from 0 to 1", 'Write a fraction in quotes, such as "7/10".')
    return text


def _day(value: Any) -> Any:
    if isinstance(value, date):
        raise fault("the date is not quoted", f'Put it in quotes: "{value:%Y-%m-%d}".')
    try:
        is_day = isinstance(value, str) and date.fromisoformat(value).isoformat() == value
    except ValueError:
        is_day = False
    if not is_day:
        raise fault("not a day", 'Write year, month and day in quotes, such as "2026-11-01".')
    return value


def _quoted(value: Any) -> Any:
    if isinstance(value, bool | int | float):
        raise fault(f"{value} is not text", f'Put it in quotes: "{str(value).lower()}".')
    return value


def _zone(name: str) -> str:
    try:
        ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        raise fault(f"no time zone is called {name}", "Write a zone such as Asia/Shanghai.") from None
    return name


Words = Annotated[str, AfterValidator(_not_blank)]
Key = Annotated[str, BeforeValidator(_quoted), Field(pattern=r"^[a-z0-9]+(-[a-z0-9]+)*$")]
Share = Annotated[str, BeforeValidator(_quoted), AfterValidator(_share)]
Day = Annotated[str, BeforeValidator(_day)]
Zone = Annotated[str, AfterValidator(_zone)]
Count = Annotated[int, Field(ge=1)]
Whole = Annotated[int, Field(ge=0)]


class TwoLanguages(Strict):
    """The same words in Chinese and in English; neither may be empty."""

    zh: Words
    en: Words


class Stamp(Strict):
    """Who wrote and reviewed an entry, what kind of change it is, and from which day it counts."""

    key: Key
    author: TwoLanguages
    reviewer: TwoLanguages | None = None
    change: Literal["editorial", "substantive"]
    effective_on: Day


def all_different(values: Iterable[Hashable], what: str) -> None:
    """Raise a fault naming the values that stand there more than once."""
    doubled = [str(value) for value, times in Counter(values).items() if times > 1]
    if doubled:
        raise fault(f"{what} {', '.join(doubled)} stands there twice", "Rename or remove one of them.")


_MENDS = {
    "missing": "Add this field.",
    "extra_forbidden": "Remove this field, or correct its name.",
    "string_type": "Write it as text, in quotes.",
    "string_pattern_mismatch": "Use lower-case letters, digits and single hyphens, such as on-time.",
    "int_type": "Write a whole number without quotes.",
    "bool_type": "Write true or false without quotes.",
    "list_type": "Write a list: one line each, beginning with a hyphen.",
    "tuple_type": "Write a list: one line each, beginning with a hyphen.",
    "model_type": "Write a mapping of fields.",
    "model_attributes_type": "Write a mapping of fields.",
    "dict_type": "Write a mapping of fields.",
    "union_tag_not_found": "Add the field `type`.",
}


def problems_of(error: ValidationError, *, file: str, key: str) -> list[Problem]:
    """Turn the errors of a checker into problems, each with a mend that names what to write."""
    return [
        Problem(
            file=file,
            where=".".join([key, *(str(part) for part in one["loc"])]),
            reason=one["msg"],
            mend=_mend(one["type"], one.get("ctx") or {}),
        )
        for one in error.errors()
    ]


def _mend(kind: str, context: dict[str, Any]) -> str:
    if "mend" in context:
        return str(context["mend"])
    if "expected" in context:
        return f"Write {context['expected']}."
    if "expected_tags" in context:
        return f"Write one of {context['expected_tags']}."
    bounds = {"ge": "at least", "gt": "more than", "le": "at most", "lt": "less than"}
    for name, words in bounds.items():
        if name in context:
            return f"Write a number of {words} {context[name]}."
    if "min_length" in context:
        return f"Give at least {context['min_length']}."
    if "max_length" in context:
        return f"Give at most {context['max_length']}."
    return _MENDS.get(kind, "Correct the value there.")
