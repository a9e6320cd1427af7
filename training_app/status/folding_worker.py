"""The other end of `spreading`: a process that works on portions until its input ends; it makes no application."""

from __future__ import annotations

import pickle
import signal
import sys
import traceback
from contextlib import suppress
from importlib import import_module
from typing import BinaryIO

import sqlalchemy as sa
from sqlalchemy.orm import Session

from training_app.db import configure_engine


def main() -> None:
    """Answer each portion on the standard output, as pickles; whatever prints goes to the standard error."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # whoever asks decides when to end
    answers, sys.stdout = sys.stdout.buffer, sys.stderr
    with suppress(BrokenPipeError, EOFError):
        serve(sys.stdin.buffer, answers)


def serve(requests: BinaryIO, answers: BinaryIO) -> None:
    """Work on portions until the requests end; raises EOFError then."""
    for name in pickle.load(requests):  # noqa: S301  # our own process
        import_module(name)
    url, task = pickle.load(requests)  # noqa: S301
    engine = sa.create_engine(url, hide_parameters=True)
    configure_engine(engine)
    while True:
        whom, now = pickle.load(requests)  # noqa: S301
        try:
            with Session(engine) as session:
                answer: tuple[bool, object] = True, task.run(session, whom, now)
        except Exception:
            answer = False, traceback.format_exc()
        pickle.dump(answer, answers, protocol=pickle.HIGHEST_PROTOCOL)
        answers.flush()


if __name__ == "__main__":
    main()
