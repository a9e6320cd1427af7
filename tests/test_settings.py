"""A wrong setting is refused with one line; a right one is taken as meant."""

from __future__ import annotations

import dataclasses
import os
import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from training_app.settings import Environment, Settings, SettingsError

KEY = "k" * 32


def read(tmp_path: Path, **environ: str) -> Settings:
    """Read settings from these variables alone."""
    return Settings.from_env({"DATA_DIR": str(tmp_path / "data"), "SECRET_KEY": KEY, **environ})


def refusal(tmp_path: Path, **environ: str) -> str:
    """Return the line with which these variables are refused."""
    with pytest.raises(SettingsError) as caught:
        read(tmp_path, **environ)
    line = str(caught.value)
    assert "\n" not in line
    return line


def test_without_any_variable_all_data_lies_in_the_folder_data_and_only_loopback_is_served(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    settings = Settings.from_env({})
    assert settings.data_dir == tmp_path / "data"
    assert settings.database_url == f"sqlite:///{tmp_path}/data/app.db"
    assert (settings.host, settings.port) == ("127.0.0.1", 8000)
    assert settings.public_url == "http://127.0.0.1:8000"
    assert settings.environment is Environment.DEVELOPMENT
    assert settings.demo
    assert settings.redis_url is settings.smtp is settings.test_clock is None
    assert settings.mail_dir.parent == settings.demo_accounts_path.parent == settings.data_dir


def test_an_empty_variable_counts_as_unset(tmp_path: Path) -> None:
    assert read(tmp_path, PORT="", PUBLIC_URL=" ", REDIS_URL="").port == 8000


def test_settings_cannot_be_changed_after_the_start(tmp_path: Path) -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        read(tmp_path).port = 1  # type: ignore[misc]


@pytest.mark.parametrize("port", ["1", "8000", "65535"])
def test_a_port_within_range_is_taken_and_names_the_address(tmp_path: Path, port: str) -> None:
    assert read(tmp_path, PORT=port).public_url == f"http://127.0.0.1:{port}"


@pytest.mark.parametrize("port", ["0", "65536", "-1", "80.5", "http", "８０００", "1e3", "9" * 5000])
def test_a_port_that_is_none_is_refused_by_name_and_value(tmp_path: Path, port: str) -> None:
    line = refusal(tmp_path, PORT=port)
    assert line.startswith(f"PORT is '{port[:100]}")
    assert "from 1 to 65535" in line
    assert len(line) < 220


@pytest.mark.parametrize(
    ("given", "used"),
    [
        ("postgresql://ann:pw@db:5432/training", "postgresql+psycopg://ann:pw@db:5432/training"),
        ("postgres://ann:pw@db/training", "postgresql+psycopg://ann:pw@db/training"),
        ("postgresql+psycopg:///training?host=/run/pg", "postgresql+psycopg:///training?host=/run/pg"),
        ("sqlite:////srv/training.db", "sqlite:////srv/training.db"),
    ],
)
def test_a_database_url_is_given_the_driver_we_ship(tmp_path: Path, given: str, used: str) -> None:
    assert read(tmp_path, DATABASE_URL=given).database_url == used


@pytest.mark.parametrize(
    "url",
    [
        "mysql://ann:hidden-word@db/training",
        "postgresql://ann:hidden-word@db:5432x/training",
        "postgresql://ann:hidden-word@db",
        "hidden-word",
        "sqlite:///relative.db",
        "sqlite://",
        "sqlite:////srv/",
    ],
)
def test_another_database_url_is_refused_without_showing_its_password(tmp_path: Path, url: str) -> None:
    line = refusal(tmp_path, DATABASE_URL=url)
    assert line.startswith("DATABASE_URL ")
    assert "hidden-word" not in line


@pytest.mark.parametrize("url", ["redis://127.0.0.1:6379/0", "rediss://:pw@cache/1", "unix:///run/redis.sock"])
def test_a_redis_url_is_kept_as_given(tmp_path: Path, url: str) -> None:
    assert read(tmp_path, REDIS_URL=url).redis_url == url


@pytest.mark.parametrize("url", ["localhost:6379", "http://:hidden-word@cache", "redis://", "redis://h:port"])
def test_a_redis_url_that_leads_nowhere_is_refused(tmp_path: Path, url: str) -> None:
    line = refusal(tmp_path, REDIS_URL=url)
    assert line.startswith("REDIS_URL ")
    assert "hidden-word" not in line


@pytest.mark.parametrize(
    ("given", "used", "is_secure"),
    [
        ("https://Training.example.com/", "https://training.example.com", True),
        ("https://training.example.com:8443", "https://training.example.com:8443", True),
        ("http://127.0.0.1:9000", "http://127.0.0.1:9000", False),
        ("http://localhost:9000/", "http://localhost:9000", False),
        ("http://[::1]:9000", "http://[::1]:9000", False),
    ],
)
def test_the_public_address_decides_whether_we_are_secure(
    tmp_path: Path, given: str, used: str, is_secure: bool
) -> None:
    settings = read(tmp_path, PUBLIC_URL=given)
    assert (settings.public_url, settings.is_secure) == (used, is_secure)
    assert settings.public_host == used.partition("://")[2]


@pytest.mark.parametrize(
    "url",
    [
        "http://training.example.com",
        "http://192.168.1.20:8000",
        "http://127.0.0.1.example.com",
        "/training",
        "training.example.com",
        "//training.example.com",
        "ftp://training.example.com",
        "https://",
        "https://training.example.com/app",
        "https://training.example.com?x=1",
        "https://ann:hidden-word@training.example.com",
        "https://training.example.com:99999",
        "https://train ing.example.com",
    ],
)
def test_a_public_address_that_phones_could_not_trust_is_refused(tmp_path: Path, url: str) -> None:
    line = refusal(tmp_path, PUBLIC_URL=url)
    assert line.startswith("PUBLIC_URL ")
    assert "https://" in line
    assert "hidden-word" not in line


@pytest.mark.parametrize("name", ["prod", "Production", "testing"])
def test_an_unknown_environment_is_refused_with_the_list_of_known_ones(tmp_path: Path, name: str) -> None:
    assert refusal(tmp_path, APP_ENV=name).endswith("one of development, production, test.")


@pytest.mark.parametrize(("value", "on"), [("0", False), ("1", True), ("no", False), ("TRUE", True)])
def test_demo_is_switched_by_a_word(tmp_path: Path, value: str, on: bool) -> None:
    assert read(tmp_path, DEMO=value).demo is on


def test_demo_is_off_in_production_unless_asked_for(tmp_path: Path) -> None:
    assert not read(tmp_path, APP_ENV="production").demo
    assert read(tmp_path, APP_ENV="production", DEMO="1").demo


def test_demo_takes_no_other_word(tmp_path: Path) -> None:
    assert refusal(tmp_path, DEMO="maybe") == "DEMO is 'maybe'; allowed: 1 or 0."


def test_a_demonstration_has_as_many_people_as_its_stories_and_numbers_allow(tmp_path: Path) -> None:
    assert read(tmp_path).demo_people == 300
    assert read(tmp_path, DEMO_PEOPLE="28").demo_people == 28
    assert refusal(tmp_path, DEMO_PEOPLE="27") == "DEMO_PEOPLE is '27'; allowed: a whole number from 28 to 900."


def test_a_short_demo_password_is_refused_without_being_shown(tmp_path: Path) -> None:
    line = refusal(tmp_path, DEMO_PASSWORD="hidden7")
    assert line == "DEMO_PASSWORD has a wrong value; allowed: at least 8 characters."


def test_a_short_secret_key_is_refused_without_being_shown(tmp_path: Path) -> None:
    line = refusal(tmp_path, SECRET_KEY="hidden-word")
    assert line == "SECRET_KEY has a wrong value; allowed: at least 32 characters."


def test_the_generated_key_is_kept_for_the_next_start_and_closed_to_others(tmp_path: Path) -> None:
    environ = {"DATA_DIR": str(tmp_path)}
    first, second = Settings.from_env(environ), Settings.from_env(environ)
    assert first.secret_key == second.secret_key
    assert len(first.secret_key) >= 32
    assert stat.S_IMODE((tmp_path / "keys" / "secret_key").stat().st_mode) == 0o600
    assert stat.S_IMODE((tmp_path / "keys").stat().st_mode) == 0o700


def test_processes_that_start_together_share_one_generated_key(tmp_path: Path) -> None:
    with ThreadPoolExecutor(8) as pool:
        keys = set(pool.map(lambda _: Settings.from_env({"DATA_DIR": str(tmp_path)}).secret_key, range(32)))
    assert len(keys) == 1
    assert os.listdir(tmp_path / "keys") == ["secret_key"]


def test_a_key_file_cut_short_stops_the_start(tmp_path: Path) -> None:
    (tmp_path / "keys").mkdir()
    (tmp_path / "keys" / "secret_key").write_text("short")
    with pytest.raises(SettingsError, match="is damaged"):
        Settings.from_env({"DATA_DIR": str(tmp_path)})


def test_secrets_do_not_appear_when_settings_are_printed(tmp_path: Path) -> None:
    shown = repr(
        read(
            tmp_path,
            SECRET_KEY="hidden-word" * 4,
            DEMO_PASSWORD="hidden-word",
            DATABASE_URL="postgresql://ann:hidden-word@db/x",
            REDIS_URL="redis://:hidden-word@cache/0",
            SMTP_URL="smtps://ann:hidden-word@mail",
        )
    )
    assert "hidden-word" not in shown


def test_the_test_clock_is_refused_in_production_even_when_asked_for(tmp_path: Path) -> None:
    line = refusal(tmp_path, APP_ENV="production", TEST_CLOCK=str(tmp_path / "clock"), ALLOW_TEST_CLOCK="1")
    assert "production keeps the real time" in line


def test_the_test_clock_needs_a_second_word_in_development(tmp_path: Path) -> None:
    clock = str(tmp_path / "clock")
    assert "ALLOW_TEST_CLOCK=1" in refusal(tmp_path, TEST_CLOCK=clock)
    assert read(tmp_path, TEST_CLOCK=clock, ALLOW_TEST_CLOCK="1").test_clock == tmp_path / "clock"
    assert read(tmp_path, TEST_CLOCK=clock, APP_ENV="test").test_clock == tmp_path / "clock"


def test_the_test_clock_must_lie_in_a_folder_that_exists(tmp_path: Path) -> None:
    assert "TEST_CLOCK" in refusal(tmp_path, APP_ENV="test", TEST_CLOCK=str(tmp_path / "no" / "clock"))


def test_a_mail_server_is_read_with_its_usual_port_and_a_decoded_password(tmp_path: Path) -> None:
    smtp = read(tmp_path, SMTP_URL="smtp+starttls://ann:a%40b@mail.example.com").smtp
    assert smtp is not None
    assert (smtp.host, smtp.port, smtp.username, smtp.password) == ("mail.example.com", 587, "ann", "a@b")
    assert smtp.starttls
    assert not smtp.tls


@pytest.mark.parametrize(
    "url", ["mail.example.com:25", "smtp://", "https://mail", "smtp://ann:hidden-word@mail.example.com"]
)
def test_a_mail_server_that_would_leak_or_not_answer_is_refused(tmp_path: Path, url: str) -> None:
    line = refusal(tmp_path, SMTP_URL=url)
    assert line.startswith("SMTP_URL ")
    assert "hidden-word" not in line


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("MAIL_FROM", "nobody"),
        ("MAIL_FROM", "a@b\nBcc: c@d"),
        ("HOST", "example.com"),
        ("PROXY_HOPS", "6"),
        ("WORKERS", "0"),
        ("CHROMIUM", "/no/such/browser"),
        ("DATA_DIR", "/dev/null/data"),
        ("DATA_DIR", "what?"),
    ],
)
def test_each_other_wrong_value_is_refused_by_the_name_of_its_variable(tmp_path: Path, name: str, value: str) -> None:
    line = refusal(tmp_path, **{name: value})
    assert line.startswith(f"{name} is ")
    assert "; allowed: " in line


def test_a_refused_start_leaves_no_key_behind(tmp_path: Path) -> None:
    with pytest.raises(SettingsError):
        Settings.from_env({"DATA_DIR": str(tmp_path), "PORT": "none"})
    assert os.listdir(tmp_path) == []
