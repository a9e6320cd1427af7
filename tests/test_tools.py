"""The tools that guard the repository find what they are for, and the supervisor ends what it began."""

from __future__ import annotations

import gettext
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tools import locks, old_browsers, translations, walls
from training_app import start
from training_app.settings import Settings
from training_app.supervisor import Supervisor

ROOT = Path(__file__).resolve().parent.parent
HEADER = 'msgid ""\nmsgstr "Content-Type: text/plain; charset=UTF-8\\n"\n\n'


# Translations ------------------------------------------------------------------------------------------------------


@pytest.fixture
def words(tmp_path: Path) -> Callable[..., list[str]]:
    """Return a function that checks one template and one fragment and gives the faults back."""
    (tmp_path / "training_app").mkdir()
    (tmp_path / "templates").mkdir()
    (tmp_path / "translations" / "zh").mkdir(parents=True)

    def check(template: str = "", code: str = "", **fragments: str) -> list[str]:
        (tmp_path / "templates" / "page.html").write_text(template)
        (tmp_path / "training_app" / "code.py").write_text(code)
        for name, entries in fragments.items():
            (tmp_path / "translations" / "zh" / f"{name}.po").write_text(HEADER + entries)
        return translations.check(tmp_path)

    return check


def entry(english: str, chinese: str) -> str:
    """Return one entry of a fragment."""
    return f'msgid "{english}"\nmsgstr "{chinese}"\n\n'


def test_a_sentence_with_its_chinese_passes(words: Callable[..., list[str]]) -> None:
    assert words('<p>{{ _("Save %(n)s", n=1) }}</p>', base=entry("Save %(n)s", "保存 %(n)s")) == []


def test_a_sentence_without_chinese_is_named_with_its_place(words: Callable[..., list[str]]) -> None:
    [fault] = words('<p>\n{{ _("Save") }}</p>')
    assert fault.startswith("templates/page.html:2: 'Save' has no Chinese")


@pytest.mark.parametrize(
    "code",
    [
        'from flask_babel import gettext as _\nx = _("Save")',
        'x = lazy_gettext("Save")',
        'class Late(DomainError):\n    message = "Save"',
        'class Late(DomainError):\n    message: str = (\n        "Sa"\n        "ve"\n    )',
    ],
)
def test_sentences_of_code_and_of_named_errors_count_as_used(words: Callable[..., list[str]], code: str) -> None:
    assert words(code=code, base=entry("Save", "保存")) == []


@pytest.mark.parametrize(
    ("entries", "word"),
    [
        (entry("Save", ""), "is empty"),
        (entry("Save", "  "), "is empty"),
        ("#, fuzzy\n" + entry("Save", "保存"), "fuzzy"),
        (entry("Save", "保存") + entry("Gone", "没了"), "is used nowhere"),
        (entry("Save", "保存") + entry("Save", "储存"), "stands twice"),
        (entry("Save", "保存 %(n)s"), "other placeholders"),
        (entry("Save", "保存 100%"), "per cent"),
    ],
)
def test_a_faulty_entry_is_found(words: Callable[..., list[str]], entries: str, word: str) -> None:
    faults = words('<p>{{ _("Save") }}</p>', base=entries)
    assert len(faults) == 1
    assert word in faults[0]


def test_a_sentence_stands_in_one_fragment_only(words: Callable[..., list[str]]) -> None:
    [fault] = words('{{ _("Save") }}', base=entry("Save", "保存"), exams=entry("Save", "保存"))
    assert fault.startswith("translations/zh/exams.po:")
    assert "already stands in translations/zh/base.po:" in fault


@pytest.mark.parametrize(
    "template",
    [
        "<p>Hello</p>",
        "<p>{{ name }} 你好</p>",
        '<img alt="A badge" src="x">',
        '<button aria-label="Close">{{ icon() }}</button>',
        '<p lang="{{ language }}">Hello</p>',
        '<p lang="en">Hello</p>\n<p>again</p>',
    ],
)
def test_words_that_are_not_marked_are_found(words: Callable[..., list[str]], template: str) -> None:
    faults = words(template)
    assert len(faults) == 1
    assert "is not marked for translation" in faults[0]


@pytest.mark.parametrize(
    "template",
    [
        "{# a remark #}<p>{{ name }} · 3 %</p>",
        '<a lang="zh">中文</a><a lang="en">English</a>',
        '<p class="a b" {% if wide %}data-wide="yes"{% endif %}>{% for one in many %}{{ one }}{% endfor %}</p>',
        "<p>T-10023</p>",
        "{# both-languages #}<p>证书 Certificate</p>",
        "<svg><title>Tool</title></svg>",
    ],
)
def test_what_needs_no_translation_is_left_alone(words: Callable[..., list[str]], template: str) -> None:
    assert words(template) == []


def test_compiling_joins_all_fragments(words: Callable[..., list[str]], tmp_path: Path) -> None:
    words(base=entry("Save", "保存"), exams=entry("Start", "开始"))
    assert translations.compile_words(tmp_path) == []
    with (tmp_path / "translations/zh/LC_MESSAGES/messages.mo").open("rb") as file:
        chinese = gettext.GNUTranslations(file)
    assert [chinese.gettext("Save"), chinese.gettext("Start")] == ["保存", "开始"]


def test_compiling_writes_nothing_where_a_sentence_is_doubled(words: Callable[..., list[str]], tmp_path: Path) -> None:
    words(base=entry("Save", "保存"), exams=entry("Save", "存"))
    assert translations.compile_words(tmp_path)
    assert not (tmp_path / "translations/zh/LC_MESSAGES").exists()


# Walls -------------------------------------------------------------------------------------------------------------


def through(tmp_path: Path, file: str, code: str) -> list[str]:
    """Return the faults of one file of a tree with the two rooms `people` and, below it, `exams`."""
    path = tmp_path / file
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(code)
    return [fault for _line, fault in walls.faults_of_file(path, path.parent.name, ["people", "exams"])]


@pytest.mark.parametrize(
    ("file", "code"),
    [
        ("exams/rules.py", "import sqlalchemy"),
        ("exams/mark_rules.py", "from flask import g"),
        ("exams/rules.py", "from training_app import clock"),
        ("exams/rules.py", "from training_app.exams.models import Attempt"),
        ("exams/models.py", "from training_app.people.service import hire"),
        ("exams/queries.py", "from training_app.db import transaction"),
        ("exams/queries.py", "from training_app.people import service"),
        ("exams/service.py", "from training_app import clock"),
        ("exams/service.py", "import flask"),
        ("exams/service.py", "from training_app.exams.views import bp"),
        ("exams/forms.py", "from training_app.exams import queries"),
        ("exams/views.py", "from training_app.db import db"),
        ("exams/views.py", "from training_app.exams.models import Attempt"),
        ("exams/views.py", "def late():\n    import sqlalchemy as sa"),
        ("exams/events.py", "from training_app.exams import service"),
        ("exams/handlers.py", "from training_app.people.models import Person"),
        ("exams/content.py", "from training_app.exams.service import start"),
        ("people/service.py", "from training_app.exams import queries"),
        ("people/service.py", "from ..exams import queries"),
    ],
)
def test_an_import_through_a_wall_is_found(tmp_path: Path, file: str, code: str) -> None:
    assert len(through(tmp_path, file, code)) == 1


@pytest.mark.parametrize(
    ("file", "code"),
    [
        ("exams/rules.py", "from fractions import Fraction\nimport numpy\nfrom training_app.people.rules import Role"),
        ("exams/models.py", "from training_app.db import db\nfrom training_app.people.models import Person"),
        ("exams/queries.py", "import sqlalchemy as sa\nfrom training_app.exams.models import Attempt"),
        ("exams/service.py", "from training_app.db import transaction\nfrom training_app.people import service"),
        ("exams/views.py", "from training_app import clock\nfrom training_app.exams import queries, service"),
        ("exams/handlers.py", "from training_app.people.events import hired\nfrom training_app.exams import service"),
        ("exams/events.py", "from blinker import Signal"),
    ],
)
def test_what_a_file_may_import_passes(tmp_path: Path, file: str, code: str) -> None:
    assert through(tmp_path, file, code) == []


# Locks -------------------------------------------------------------------------------------------------------------


@pytest.fixture
def locked(tmp_path: Path) -> Path:
    """Return a folder with sound locks."""
    for name in locks.LOCKS:
        (tmp_path / f"{name}.in").write_text("flask==3.1.3\n")
        (tmp_path / f"{name}.txt").write_text("flask==3.1.3 \\\n    --hash=sha256:00\n")
    lock = {"packages": {"": {}, "node_modules/htmx.org": {"version": "2", "integrity": "sha512-x"}}}
    (tmp_path / "package-lock.json").write_text(json.dumps(lock))
    return tmp_path


def test_sound_locks_pass(locked: Path) -> None:
    assert locks.check(locked) == []


@pytest.mark.parametrize(
    ("file", "text", "word"),
    [
        ("requirements.txt", "flask==3.1.3\n", "no hash"),
        ("requirements.txt", "flask==3.1.2 \\\n    --hash=sha256:00\n", "not what it locks"),
        ("requirements-dev.txt", "--index-url x\nflask==3.1.3 \\\n    --hash=sha256:00\n", "names a host"),
        ("requirements.in", "flask\n", "not pinned"),
        ("package-lock.json", '{"packages": {"a": {"integrity": "sha512-x",\n"resolved": "https://x"}}}', ":2: names"),
        ("package-lock.json", '{"packages": {"a": {}}}', "no integrity"),
    ],
)
def test_a_lock_that_proves_nothing_is_found(locked: Path, file: str, text: str, word: str) -> None:
    (locked / file).write_text(text)
    assert word in "\n".join(locks.check(locked))


# Supervisor --------------------------------------------------------------------------------------------------------

PATIENT = "import signal, sys, time\nsignal.signal(signal.SIGTERM, lambda *_: sys.exit(0))\nprint('up')\ntime.sleep(60)"
STUBBORN = "import signal, time\nsignal.signal(signal.SIGTERM, signal.SIG_IGN)\nprint('up')\ntime.sleep(60)"


def python(code: str) -> list[str]:
    """Return the command that runs a line of Python."""
    return [sys.executable, "-c", code]


def wait_for(supervisor: Supervisor, said: list[str], text: str, times: int = 1) -> None:
    """Turn the supervisor until a text was said so many times."""
    last = time.monotonic() + 20
    while sum(text in line for line in said) < times:
        assert time.monotonic() < last, said
        supervisor.turn(0.05)


def test_lines_are_passed_on_with_the_name_of_the_part() -> None:
    said: list[str] = []
    supervisor = Supervisor(said.append)
    supervisor.start("web", python("print('one'); print('two', end='')"))
    supervisor.run()
    assert said[:2] == ["web     | one", "web     | two"] or said[1:3] == ["web     | one", "web     | two"]


def test_when_one_part_dies_the_others_are_ended_and_the_code_says_so() -> None:
    said: list[str] = []
    supervisor = Supervisor(said.append)
    worker = supervisor.start("web", python(PATIENT))
    wait_for(supervisor, said, "up")
    supervisor.start("sweeper", python("raise SystemExit(3)"))
    assert supervisor.run() == 1
    assert "sweeper ended by itself (exit code 3); stopping everything." in said
    assert worker.process.returncode == 0


def test_a_part_that_will_not_end_is_killed_within_the_grace() -> None:
    said: list[str] = []
    supervisor = Supervisor(said.append, grace_s=0.3)
    part = supervisor.start("web", python(STUBBORN))
    wait_for(supervisor, said, "up")
    supervisor.stop()
    began = time.monotonic()
    assert supervisor.run() == 0
    assert part.process.returncode == -signal.SIGKILL
    assert time.monotonic() - began < 10


def test_children_of_a_part_do_not_outlive_it() -> None:
    said: list[str] = []
    supervisor = Supervisor(said.append)
    code = f"""import subprocess, sys
p = subprocess.Popen([sys.executable, "-c", {STUBBORN!r}])
print("pid", p.pid)
p.wait()"""
    supervisor.start("web", python(code))
    wait_for(supervisor, said, "up")
    child = int(next(line for line in said if "pid" in line).split()[-1])
    supervisor.stop()
    supervisor.run()
    assert is_gone(child)


def is_gone(pid: int) -> bool:
    """Tell whether a process ends within some seconds (a dead one may wait for its new parent)."""
    for _ in range(100):
        try:
            if Path(f"/proc/{pid}/stat").read_text().split()[2] == "Z":
                return True
        except FileNotFoundError:
            return True
        time.sleep(0.05)
    return False


# Start -------------------------------------------------------------------------------------------------------------


def run_start(tmp_path: Path, **environ: str) -> subprocess.CompletedProcess[str]:
    """Run the start with these settings until it is refused."""
    return subprocess.run(
        [sys.executable, "-m", "training_app.start"],
        cwd=ROOT,
        env={**os.environ, "DATA_DIR": str(tmp_path / "data"), **environ},
        capture_output=True,
        text=True,
        timeout=60,
    )


def test_a_wrong_setting_stops_the_start_with_just_one_line(tmp_path: Path) -> None:
    result = run_start(tmp_path, PORT="many")
    assert result.returncode == 2
    assert result.stdout == ""
    assert result.stderr == "PORT is 'many'; allowed: a whole number from 1 to 65535.\n"


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """Return settings of a start in a folder of its own."""
    return Settings.from_env({"DATA_DIR": str(tmp_path), "SECRET_KEY": "k" * 32})


def test_a_port_in_use_is_named_before_anything_starts(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        settings = Settings.from_env({"DATA_DIR": str(tmp_path), "PORT": str(port), "SECRET_KEY": "k" * 32})
        with pytest.raises(start.StartRefusedError, match=f"127.0.0.1:{port} is in use"):
            start._check_port(settings)


def test_two_starts_never_share_a_data_folder(settings: Settings) -> None:
    with (
        start.only_start(settings.data_dir),
        pytest.raises(start.StartRefusedError, match="in use by another start"),
        start.only_start(settings.data_dir),
    ):
        pass
    with start.only_start(settings.data_dir):
        pass  # the lock ends with its start


def test_a_missing_front_end_file_is_named_with_what_to_type(tmp_path: Path) -> None:
    (tmp_path / "package.json").write_text('{"vendor": {"htmx.min.js": "htmx.org/dist/htmx.min.js"}}')
    with pytest.raises(start.StartRefusedError, match=r"^static/vendor/htmx.min.js is missing; type: ./setup run$"):
        start._check_files(tmp_path)


def test_the_three_parts_and_how_many_processes_answer_pages(settings: Settings) -> None:
    parts = start.commands(settings)
    assert list(parts) == ["web", "worker", "sweeper"]
    assert parts["web"][-1] == "wsgi:app"
    assert parts["web"][parts["web"].index("--workers") + 1] == "2"


@pytest.mark.parametrize(
    ("environ", "words"),
    [
        ({"DATABASE_URL": "postgresql://nobody@127.0.0.1:9/nothing"}, "The database cannot be used (DATABASE_URL): "),
        ({"REDIS_URL": "redis://127.0.0.1:9/0"}, "The server of REDIS_URL cannot be used: "),
        ({}, "file is not a database."),
    ],
)
def test_what_cannot_be_reached_or_read_stops_the_start_with_just_one_line(
    tmp_path: Path, environ: dict[str, str], words: str
) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "app.db").write_text("no database at all, but long enough to be taken for the head of one" * 9)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    result = run_start(tmp_path, PORT=str(port), **environ)
    assert (result.returncode, result.stdout.strip()) == (2, "")
    assert words in result.stderr
    assert len(result.stderr.strip().splitlines()) == 1, result.stderr


def test_a_folder_that_cannot_be_written_stops_the_start_with_one_line(tmp_path: Path) -> None:
    (tmp_path / "start.lock").mkdir()
    with (
        pytest.raises(start.StartRefusedError, match=r"cannot be written to: is a directory\.$"),
        start.only_start(tmp_path),
    ):
        pass


# Old browsers ------------------------------------------------------------------------------------------------------


def test_what_a_browser_of_three_years_ago_does_not_know_is_found_and_the_rest_is_not(tmp_path: Path) -> None:
    for folder in ("static/css", "static/js", "templates"):
        (tmp_path / folder).mkdir(parents=True)
    (tmp_path / "static/css/page.css").write_text(
        "a:hover {\n  color: light-dark(red, blue);\n  text-wrap: balance;\n}\n"
        "@media print {\n  p {\n    field-sizing: content;\n  }\n}\n@position-try --here {}\n"
    )
    (tmp_path / "static/js/page.js").write_text(
        "/* Promise.try */\nlist.filter(one).then(two);\nnew Set(list).isSubsetOf(other);\nnew URLPattern('/x');\n"
    )
    (tmp_path / "templates/page.html").write_text("{# <b popover> #}\n<details name='one'>\n<p popover></p></details>")
    data = json.loads(old_browsers.DATA.read_text())
    found = [line.split(" is newer")[0] for line in old_browsers.check(tmp_path, data)]
    assert found == [
        "static/css/page.css:2: light-dark()",
        "static/css/page.css:7: the property field-sizing",
        "static/css/page.css:7: field-sizing: content",
        "static/css/page.css:10: @position-try",
        "static/js/page.js:3: .isSubsetOf",
        "templates/page.html:2: <details name>",
    ]
    assert old_browsers.check(old_browsers.ROOT, data) == []
