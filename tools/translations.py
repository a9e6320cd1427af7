"""Chinese words: join the fragments, check them against code and templates, list what is missing.

translations.py compile       translations/zh/*.po -> translations/zh/LC_MESSAGES/messages.mo
translations.py check         fail on a missing, empty, fuzzy, doubled or unused sentence, on placeholders
                              that differ, and on words in templates that are not marked for translation
translations.py list-missing  print the missing sentences by the file that uses them, ready to be pasted
"""

from __future__ import annotations

import argparse
import ast
import io
import re
import sys
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from html.parser import HTMLParser
from pathlib import Path

from babel.messages.catalog import Catalog, Message
from babel.messages.extract import extract
from babel.messages.mofile import write_mo
from babel.messages.pofile import PoFileError, PoFileParser
from jinja2.ext import babel_extract

ROOT = Path(__file__).resolve().parent.parent
KEYWORDS = {
    "_": None,
    "_l": None,
    "N_": None,
    "gettext": None,
    "lazy_gettext": None,
    "ngettext": (1, 2),
    "lazy_ngettext": (1, 2),
    "pgettext": ((1, "c"), 2),
    "lazy_pgettext": ((1, "c"), 2),
    "npgettext": ((1, "c"), 2, 3),
}
JINJA = {
    "extensions": "jinja2.ext.i18n,jinja2.ext.do,jinja2.ext.loopcontrols",
    "trim_blocks": "true",
    "lstrip_blocks": "true",
    "silent": "false",
    "newstyle_gettext": "true",
}
# A template that prints both languages side by side says so in its first lines, with this word in a comment.
BILINGUAL = "both-languages"

Key = tuple[str | None, str]  # context, sentence
PLACEHOLDER = re.compile(r"%\((\w+)\)[#0\- +]*[\d.]*[a-zA-Z]")
WORD = re.compile(r"[A-Za-z]{2,}|[\u3400-\u9fff]")
CODE = re.compile(r"\b[A-Z]{1,4}-\d[\d-]*\b")  # a number such as T-10023 is the same in every language
READ_ALOUD = {"title", "alt", "placeholder", "aria-label", "aria-description", "aria-roledescription"}


@dataclass
class Use:
    """A sentence in code or templates, and where."""

    plural: str | None = None
    places: list[tuple[str, int]] = field(default_factory=list)
    is_in_template: bool = False


@dataclass
class Entry:
    """A sentence in a fragment, and where."""

    message: Message
    file: str
    line: int


class Fragment(Catalog):
    """A catalogue that remembers which sentences it was given twice."""

    def __init__(self) -> None:
        super().__init__(locale="zh")
        self.doubled: list[Message] = []

    def __setitem__(self, id: str | tuple[str, str], message: Message) -> None:
        if message.id and self.get(message.id, message.context) is not None:
            self.doubled.append(message)
        super().__setitem__(id, message)


def key_of(message: Message) -> Key:
    return message.context, message.id if isinstance(message.id, str) else message.id[0]


def strings_of(message: Message) -> tuple[str, ...]:
    return (message.string,) if isinstance(message.string, str) else tuple(message.string or ("",))


def read_fragments(root: Path) -> tuple[dict[Key, Entry], list[str]]:
    """Return every translated sentence once, and a line for each fault."""
    entries: dict[Key, Entry] = {}
    faults: list[str] = []
    for path in sorted((root / "translations" / "zh").glob("*.po")):
        name = path.relative_to(root).as_posix()
        fragment = Fragment()
        try:
            PoFileParser(fragment, abort_invalid=True).parse(io.StringIO(path.read_text(encoding="utf-8")))
        except (PoFileError, UnicodeDecodeError) as error:
            faults.append(f"{name}: {error}")
            continue
        for message in fragment.doubled:
            faults.append(f"{name}:{message.lineno}: {key_of(message)[1]!r} stands twice in this file")
        for message in fragment:
            if not message.id:
                continue
            key = key_of(message)
            line = message.lineno or 0
            if other := entries.get(key):
                faults.append(f"{name}:{line}: {key[1]!r} already stands in {other.file}:{other.line}")
                continue
            entries[key] = Entry(message, name, line)
    return entries, faults


def compile_words(root: Path) -> list[str]:
    """Write messages.mo; return the faults, in which case nothing is written."""
    entries, faults = read_fragments(root)
    if faults:
        return faults
    catalog = Catalog(locale="zh")
    for entry in entries.values():
        catalog.add(entry.message.id, entry.message.string, flags=entry.message.flags, context=entry.message.context)
    target = root / "translations" / "zh" / "LC_MESSAGES" / "messages.mo"
    target.parent.mkdir(parents=True, exist_ok=True)
    draft = target.with_suffix(".new")
    with draft.open("wb") as file:
        write_mo(file, catalog)
    draft.replace(target)
    print(f"translations: {len(entries)} sentences compiled")
    return []


def sources(root: Path) -> Iterator[Path]:
    yield from sorted((root / "training_app").rglob("*.py"))
    for suffix in ("html", "txt", "svg", "xml"):
        yield from sorted((root / "templates").rglob(f"*.{suffix}"))


def read_uses(root: Path) -> dict[Key, Use]:
    """Return the sentences that code and templates ask for."""
    uses: dict[Key, Use] = defaultdict(Use)
    for path in sources(root):
        name = path.relative_to(root).as_posix()
        is_template = path.suffix != ".py"
        data = path.read_bytes()
        found: list[tuple[int, object, str | None]] = [
            (line, message, context)
            for line, message, _comments, context in extract(
                babel_extract if is_template else "python",
                io.BytesIO(data),
                keywords=KEYWORDS,
                options=JINJA if is_template else {"encoding": "utf-8"},
            )
        ]
        if not is_template:
            found += [(line, text, None) for line, text in error_messages(data.decode())]
        for line, message, context in found:
            single = message if isinstance(message, str) else message[0]  # type: ignore[index]
            if not single:
                continue
            use = uses[context, single]
            use.places.append((name, line))
            use.is_in_template |= is_template
            if not isinstance(message, str):
                use.plural = message[1]  # type: ignore[index]
    return uses


def error_messages(code: str) -> Iterator[tuple[int, str]]:
    """Yield what stands as `message = "…"` in a class: a named error's sentence, translated when shown."""
    for node in ast.walk(ast.parse(code)):
        if not isinstance(node, ast.ClassDef):
            continue
        for statement in node.body:
            if isinstance(statement, ast.Assign):
                names, value = statement.targets, statement.value
            elif isinstance(statement, ast.AnnAssign) and statement.value is not None:
                names, value = [statement.target], statement.value
            else:
                continue
            is_message = any(isinstance(name, ast.Name) and name.id == "message" for name in names)
            if is_message and isinstance(value, ast.Constant) and isinstance(value.value, str):
                yield statement.lineno, value.value


def missing(uses: dict[Key, Use], entries: dict[Key, Entry]) -> dict[Key, Use]:
    return {key: use for key, use in uses.items() if key not in entries}


def check(root: Path) -> list[str]:
    """Return a line for each fault."""
    entries, faults = read_fragments(root)
    uses = read_uses(root)
    for (_context, sentence), use in missing(uses, entries).items():
        file, line = use.places[0]
        faults.append(f"{file}:{line}: {sentence!r} has no Chinese; add it to translations/zh/<room>.po")
    for key, entry in entries.items():
        where = f"{entry.file}:{entry.line}: {key[1]!r}"
        if key not in uses:
            faults.append(f"{where} is used nowhere; delete it")
        else:
            faults += [f"{where} {fault}" for fault in entry_faults(entry.message, uses[key])]
    for path in sorted((root / "templates").rglob("*.html")):
        faults += unmarked_words(path.relative_to(root).as_posix(), path.read_text(encoding="utf-8"))
    return faults


def entry_faults(message: Message, use: Use) -> Iterator[str]:
    strings = strings_of(message)
    if message.fuzzy:
        yield "is marked fuzzy"
    if use.plural is not None and isinstance(message.id, str):
        yield "is used with a plural; add msgid_plural and msgstr[0]"
    ids = (message.id,) if isinstance(message.id, str) else message.id
    names = {name for one in ids for name in PLACEHOLDER.findall(one)}
    for string in strings:
        if not string.strip():
            yield "is empty"
        elif set(PLACEHOLDER.findall(string)) != names:
            yield f"has other placeholders in Chinese: {', '.join(sorted(names)) or 'none'} expected"
    if names or use.is_in_template:  # these go through Python's % with the values
        for text in (*ids, *strings):
            try:
                text % defaultdict(int)
            except (ValueError, TypeError):
                yield "has a per cent sign that stands for none of its values; write %%"


class _Words(HTMLParser):
    """Collect visible words; an element with a language of its own speaks that language on purpose."""

    VOID = frozenset({"area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "wbr"})

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.open: list[tuple[str, bool]] = []
        self.found: list[tuple[int, str]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        own = any(name == "lang" and (value or "").strip() for name, value in attrs)
        quiet = own or tag in ("script", "style", "code", "svg") or (bool(self.open) and self.open[-1][1])
        if not own:
            for name, value in attrs:
                if name in READ_ALOUD and value and WORD.search(CODE.sub("", value)):
                    self.found.append((self.getpos()[0], f"{name}={value.strip()!r}"))
        if tag not in self.VOID:
            self.open.append((tag, quiet))

    def handle_endtag(self, tag: str) -> None:
        for index in range(len(self.open) - 1, -1, -1):
            if self.open[index][0] == tag:
                del self.open[index:]
                return

    def handle_data(self, data: str) -> None:
        if (self.open and self.open[-1][1]) or not WORD.search(CODE.sub("", data)):
            return
        before = data[: len(data) - len(data.lstrip())]
        self.found.append((self.getpos()[0] + before.count("\n"), repr(" ".join(data.split())[:60])))


def unmarked_words(name: str, text: str) -> list[str]:
    """Return a line for each run of letters outside {{ _() }} that people would see."""
    if BILINGUAL in text[:600]:
        return []

    def blank(match: re.Match[str]) -> str:
        return re.sub(r"[^\n]", " ", match.group())

    text = re.sub(r"\{#.*?#\}", blank, text, flags=re.DOTALL)
    text = re.sub(r"\{%[-+]?\s*trans\b.*?endtrans\s*[-+]?%\}", blank, text, flags=re.DOTALL)
    text = re.sub(r"\{\{.*?\}\}|\{%.*?%\}", blank, text, flags=re.DOTALL)
    parser = _Words()
    parser.feed(text)
    parser.close()
    return [f"{name}:{line}: {words} is not marked for translation" for line, words in parser.found]


def list_missing(root: Path) -> list[str]:
    entries, faults = read_fragments(root)
    by_file: dict[str, list[str]] = defaultdict(list)
    for (context, sentence), use in missing(read_uses(root), entries).items():
        lines = [f"msgctxt {quoted(context)}"] if context else []
        lines.append(f"msgid {quoted(sentence)}")
        if use.plural is None:
            lines.append('msgstr ""')
        else:
            lines += [f"msgid_plural {quoted(use.plural)}", 'msgstr[0] ""']
        by_file[use.places[0][0]].append("\n".join(lines))
    for file, blocks in sorted(by_file.items()):
        print(f"# {file}: {len(blocks)}\n")
        print("\n\n".join(blocks), end="\n\n")
    return faults


def quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return f'"{escaped}"'


def main(arguments: list[str] | None = None, root: Path = ROOT) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("command", choices=("compile", "check", "list-missing"))
    command = parser.parse_args(arguments).command
    run = {"compile": compile_words, "check": check, "list-missing": list_missing}[command]
    faults = run(root)
    for fault in faults:
        print(fault, file=sys.stderr)
    if faults:
        print(f"translations: {len(faults)} faults", file=sys.stderr)
        return 1
    if command == "check":
        print("translations: every sentence has its Chinese")
    return 0


if __name__ == "__main__":
    sys.exit(main())
