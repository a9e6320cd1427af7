"""Strict reading of a policy body: every field is asked for by name, and what nobody asked for is refused."""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum
from typing import Any, TypeVar

from training_app.permits.base_rules import RuleError

Choice = TypeVar("Choice", bound=Enum)


class PolicyInvalid(RuleError):
    """A field that is missing or makes no sense; `values`: field, reason."""

    code = "policy_invalid"


class PolicyUnsupported(RuleError):
    """A field that asks for what this engine does not do; `values`: field, asked."""

    code = "policy_unsupported"


class Body:
    """One mapping of a policy file, and where it stands in it."""

    def __init__(self, raw: object, path: str = "") -> None:
        self.path = path
        if not isinstance(raw, Mapping):
            raise PolicyInvalid(field=path or "policy", reason="must be a mapping")
        self._raw: Mapping[str, Any] = raw
        self._seen: set[str] = set()

    def invalid(self, name: str, reason: str) -> PolicyInvalid:
        """Return the error for a field, with its full path."""
        return PolicyInvalid(field=f"{self.path}{name}", reason=reason)

    def _get(self, name: str) -> Any:
        self._seen.add(name)
        if name not in self._raw:
            raise self.invalid(name, "missing")
        return self._raw[name]

    def names(self) -> list[str]:
        """Return the names of all fields."""
        return [str(name) for name in self._raw]

    def inner(self, name: str) -> Body:
        """Return a mapping inside this one."""
        return Body(self._get(name), f"{self.path}{name}.")

    def is_off(self, name: str) -> bool:
        """Tell whether a feature is switched off: absent, null, false, "off", 0 and empty are off."""
        self._seen.add(name)
        return self._raw.get(name) in (None, False, "off", 0, [], {})

    def inner_or_none(self, name: str) -> Body | None:
        """Return a mapping inside this one, or None where the feature is switched off."""
        return None if self.is_off(name) else self.inner(name)

    def listed(self, name: str) -> list[Body]:
        """Return a list of mappings, which may be empty."""
        return [Body(raw, f"{self.path}{name}[{i}].") for i, raw in enumerate(self._list(name))]

    def listed_or_none(self, name: str) -> list[Body]:
        """Return a list of mappings, an empty one where the feature is switched off."""
        return [] if self.is_off(name) else self.listed(name)

    def texts_or_none(self, name: str) -> list[str]:
        """Return a list of words, an empty one where the feature is switched off."""
        words = [] if self.is_off(name) else self._list(name)
        if not all(isinstance(word, str) for word in words):
            raise self.invalid(name, "must be a list of words")
        return words

    def _list(self, name: str) -> list[Any]:
        raw = self._get(name)
        if not isinstance(raw, (list, tuple)):
            raise self.invalid(name, "must be a list")
        return list(raw)

    def text(self, name: str) -> str:
        """Return a word."""
        raw = self._get(name)
        if not isinstance(raw, str):
            raise self.invalid(name, "must be text")
        return raw

    def flag(self, name: str) -> bool:
        """Return true or false."""
        raw = self._get(name)
        if not isinstance(raw, bool):
            raise self.invalid(name, "must be true or false")
        return raw

    def flag_or(self, name: str, *, default: bool) -> bool:
        """Return true or false, `default` where the field is absent or null."""
        self._seen.add(name)
        return default if self._raw.get(name) is None else self.flag(name)

    def count(self, name: str, *, least: int = 1) -> int:
        """Return a whole number, `least` included."""
        raw = self._get(name)
        if not isinstance(raw, int) or isinstance(raw, bool):
            raise self.invalid(name, "must be a whole number")
        if raw < least:
            raise self.invalid(name, f"must be {least} or more")
        return raw

    def count_or_none(self, name: str, *, least: int = 1) -> int | None:
        """Return a whole number, `least` included, or None where the field is empty or absent."""
        self._seen.add(name)
        return None if self._raw.get(name) is None else self.count(name, least=least)

    def choice(self, name: str, kind: type[Choice]) -> Choice:
        """Return one member of an enum; a word that it does not have is unsupported."""
        return self._member(name, self._get(name), kind)

    def choices(self, name: str, kind: type[Choice]) -> list[Choice]:
        """Return a list of members of an enum, at least one."""
        raw = self._list(name)
        if not raw:
            raise self.invalid(name, "must not be empty")
        return [self._member(name, word, kind) for word in raw]

    def _member(self, name: str, raw: object, kind: type[Choice]) -> Choice:
        try:
            return kind(raw)
        except ValueError:
            raise PolicyUnsupported(field=f"{self.path}{name}", asked=raw) from None

    def close(self, *ignored: str) -> None:
        """Refuse every field that was not read, but for those named."""
        for name in self.names():
            if name not in self._seen and name not in ignored:
                raise PolicyUnsupported(field=f"{self.path}{name}", asked=self._raw[name])
