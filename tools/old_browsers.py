"""Pages have to run in a Chromium of three years ago: find what our styles, scripts and pages use that is newer.

old_browsers.py           fail on what is newer than the floor in tools/old_browsers.json
old_browsers.py --write   make that file anew from MDN's browser-compat-data (CC0); needs npm and the network

The data name what came after the floor; only names that mean nothing older count, so that a method of our own objects
that happens to share a name would be found as well: it is then called something else.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import tinycss2

ROOT = Path(__file__).resolve().parent.parent
DATA = ROOT / "tools" / "old_browsers.json"
PACKAGE = "@mdn/browser-compat-data@8.1.9"
YEARS = 3
_NUMBER = re.compile(r"≤?(\d+)(\.\d+)*")
BROWSERS = ("chrome_android", "webview_android")
# What an older browser may ignore: without it the page says or shows the same, less well.
MAY_BE_MISSING = frozenset({
    "text-wrap: pretty", "text-wrap: balance",
    "print-color-adjust", "print-color-adjust: exact",  # stands beside its name with -webkit-
})  # fmt: skip


def main(argv: list[str]) -> int:
    if "--write" in argv:
        write()
        return 0
    faults = check(ROOT, json.loads(DATA.read_text()))
    for fault in faults:
        print(fault)
    if faults:
        return 1
    print("old browsers: nothing newer than the floor")
    return 0


# Checking -----------------------------------------------------------------------------------------------------------


def check(root: Path, data: dict[str, Any]) -> list[str]:
    """Return a line for each use of something newer than the floor."""
    floor = f"newer than Chromium {data['floor']['version']} of {data['floor']['released']}"
    found: list[str] = []
    for path in sorted((root / "static" / "css").glob("*.css")):
        found += (f"{path.relative_to(root)}:{line}: {what} is {floor}" for line, what in styles(path, data))
    for path in sorted((root / "static" / "js").glob("*.js")):
        found += (f"{path.relative_to(root)}:{line}: {what} is {floor}" for line, what in scripts(path, data))
    for path in sorted((root / "templates").rglob("*.html")):
        found += (f"{path.relative_to(root)}:{line}: {what} is {floor}" for line, what in pages(path, data))
    return found


def styles(path: Path, data: dict[str, Any]) -> Iterator[tuple[int, str]]:
    """Yield (line, what) for each rule, selector, property, value or function of a style sheet that is too new."""
    yield from _rules(tinycss2.parse_stylesheet(path.read_text(encoding="utf-8"), skip_comments=True), data["css"])


def _rules(nodes: Iterable[Any], css: dict[str, Any]) -> Iterator[tuple[int, str]]:
    for node in nodes:
        if node.type == "at-rule":
            if node.lower_at_keyword in css["at_rules"]:
                yield node.source_line, f"@{node.lower_at_keyword}"
            if node.content is not None and node.lower_at_keyword != "page":
                yield from _rules(tinycss2.parse_blocks_contents(node.content, skip_comments=True), css)
        elif node.type == "qualified-rule":
            yield from _selectors(node.prelude, css)
            yield from _rules(tinycss2.parse_blocks_contents(node.content, skip_comments=True), css)
        elif node.type == "declaration":
            yield from _declaration(node, css)


def _selectors(tokens: Iterable[Any], css: dict[str, Any]) -> Iterator[tuple[int, str]]:
    after_colon = False
    for part in tokens:
        if after_colon and part.type in ("ident", "function"):
            name = part.lower_value if part.type == "ident" else part.lower_name
            if name in css["selectors"] and not name.startswith("-"):
                yield part.source_line, f":{name}"
        after_colon = part == ":"
        if part.type == "function":
            yield from _selectors(part.arguments, css)


def _declaration(node: Any, css: dict[str, Any]) -> Iterator[tuple[int, str]]:
    if node.lower_name in css["properties"] and node.lower_name not in MAY_BE_MISSING:
        yield node.source_line, f"the property {node.lower_name}"
    for token in node.value:
        words = f"{node.lower_name}: {getattr(token, 'lower_value', '')}"
        if token.type == "ident" and words in css["values"] and words not in MAY_BE_MISSING:
            yield token.source_line, words
        if token.type == "function":
            yield from _functions(token, css)


def _functions(token: Any, css: dict[str, Any]) -> Iterator[tuple[int, str]]:
    if token.lower_name in css["functions"]:
        yield token.source_line, f"{token.lower_name}()"
    for inner in token.arguments:
        if inner.type == "function":
            yield from _functions(inner, css)


def scripts(path: Path, data: dict[str, Any]) -> Iterator[tuple[int, str]]:
    """Yield (line, what) for each method or object of a script that is too new."""
    text = _without_comments(path.read_text(encoding="utf-8"))
    for found in re.finditer(r"\.([A-Za-z_$][\w$]*)", text):
        if found[1] in data["js"]["members"]:
            yield text.count("\n", 0, found.start()) + 1, f".{found[1]}"
    for found in re.finditer(r"(?<![.\w$\"'-])([A-Z][\w$]*)\b", text):
        if found[1] in data["js"]["globals"]:
            yield text.count("\n", 0, found.start()) + 1, found[1]


def _without_comments(text: str) -> str:
    return re.sub(r"/\*.*?\*/", lambda found: "\n" * found[0].count("\n"), text, flags=re.DOTALL)


class _Tags(HTMLParser):
    def __init__(self, html: dict[str, Any]) -> None:
        super().__init__()
        self.html, self.found = html, list[tuple[int, str]]()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in self.html["elements"]:
            self.found.append((self.getpos()[0], f"<{tag}>"))
        for name, _value in attrs:
            if name in self.html["attributes"] or f"{tag} {name}" in self.html["attributes"]:
                self.found.append((self.getpos()[0], f"<{tag} {name}>"))


def pages(path: Path, data: dict[str, Any]) -> Iterator[tuple[int, str]]:
    """Yield (line, what) for each element or attribute of a page that is too new."""
    parser = _Tags(data["html"])
    parser.feed(re.sub(r"{#.*?#}", lambda found: "\n" * found[0].count("\n"), path.read_text("utf-8"), flags=re.DOTALL))
    yield from parser.found


# Making the data ----------------------------------------------------------------------------------------------------


def write() -> None:
    """Make the data anew, with the floor of three years ago today."""
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run(["npm", "install", "--no-save", "--silent", "--prefix", folder, PACKAGE], check=True)
        source = Path(folder) / "node_modules" / "@mdn" / "browser-compat-data" / "data.json"
        mdn = json.loads(source.read_text(encoding="utf-8"))
    today = datetime.now(tz=UTC).date()
    wanted = today.replace(year=today.year - YEARS, day=min(today.day, 28)).isoformat()
    releases = mdn["browsers"][BROWSERS[0]]["releases"]
    old = [(v["release_date"], k) for k, v in releases.items() if v.get("release_date", "9") <= wanted]
    released, version = max(old)
    made = {"floor": {"version": int(version), "released": released}, **Newer(mdn, int(version)).lists()}
    DATA.write_text(json.dumps(made, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    print(f"floor: Chromium {version} of {released}")


class Newer:
    """What came after a version, by the names it is used with."""

    def __init__(self, mdn: dict[str, Any], version: int) -> None:
        self.mdn, self.version = mdn, version

    def is_new(self, entry: Any) -> bool:
        """Tell whether an entry came after the floor, or never, in any of the browsers that count."""
        if not isinstance(entry, dict) or "__compat" not in entry:
            return False
        return any(self._came_late(entry["__compat"]["support"].get(browser)) for browser in BROWSERS)

    def _came_late(self, support: Any) -> bool:
        rows = support if isinstance(support, list) else [support or {}]
        came = [row.get("version_added") for row in rows if not row.get("flags") and not row.get("prefix")]
        numbers = [int(found[1]) for one in came if isinstance(one, str) and (found := _NUMBER.fullmatch(one))]
        return True not in came and not any(number <= self.version for number in numbers)

    def lists(self) -> dict[str, Any]:
        """Return the names by kind."""
        css, html = self.mdn["css"], self.mdn["html"]
        values = [
            f"{name}: {value}" for name, entry in css["properties"].items() for value, inner in entry.items()
            if value != "__compat" and self.is_new(inner) and re.fullmatch(r"[a-z-]+", value)
        ]  # fmt: skip
        return {
            "css": {
                "properties": self._new(css["properties"]),
                "values": sorted(values),
                "at_rules": self._new(css["at-rules"]),
                "selectors": self._new(css["selectors"]),
                "functions": sorted({*self._new(css["types"]), *self._new_functions(css["types"])}),
            },
            "js": self._script_names(),
            "html": {
                "elements": self._new(html["elements"]),
                "attributes": sorted({*self._new(html["global_attributes"]), *self._tag_attributes(html["elements"])}),
            },
        }  # fmt: skip

    def _new(self, entries: dict[str, Any]) -> list[str]:
        return sorted(name for name, entry in entries.items() if self.is_new(entry))

    def _new_functions(self, types: dict[str, Any]) -> Iterator[str]:
        for entry in types.values():
            if isinstance(entry, dict):
                yield from (name for name, inner in entry.items() if name != "__compat" and self.is_new(inner))

    def _tag_attributes(self, elements: dict[str, Any]) -> Iterator[str]:
        for tag, entry in elements.items():
            yield from (f"{tag} {name}" for name, inner in entry.items() if name != "__compat" and self.is_new(inner))

    def _script_names(self) -> dict[str, list[str]]:
        """Return members and globals whose name means nothing that is older."""
        new: set[str] = set()
        old: set[str] = set()
        worlds = {**self.mdn["javascript"]["builtins"], **self.mdn["api"]}
        tops = {name for name, entry in worlds.items() if self.is_new(entry) and re.fullmatch(r"[A-Z]\w*", name)}
        for name, entry in worlds.items():
            for member, inner in entry.items() if isinstance(entry, dict) else ():
                plain = member.removesuffix("_static").removesuffix("_event")
                if member == "__compat" or not re.fullmatch(r"[a-z]\w*", plain):
                    continue
                (new if name in tops or self.is_new(inner) else old).add(plain)
        common = {"path", "kept", "keep"}  # names of our own objects
        return {"members": sorted(new - old - common), "globals": sorted(tops)}


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
