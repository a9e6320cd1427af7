"""A process that appends marks and tells each number only after its commit; killed by the test in the middle.

Arguments: sheet, rater, first number, how many, and "die" to end itself by SIGKILL between commit and answer.
"""

import os
import signal
import sys
from datetime import UTC, datetime

import sqlalchemy as sa

from training_app.app import create_app
from training_app.db import db
from training_app.roleplay import marking_service
from training_app.roleplay.rules import MarkKind, Touch
from training_app.settings import Settings


def main() -> None:
    sheet, rater, first, count, how = sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), int(sys.argv[4]), sys.argv[5]
    app = create_app(Settings.from_env())
    with app.app_context():
        if how == "die":
            sa.event.listen(db.session(), "after_commit", lambda _session: os.kill(os.getpid(), signal.SIGKILL))
        for seq in range(first, first + count):
            now = datetime.now(UTC)
            touch = Touch(seq=seq, kind=MarkKind.MARK, criterion="listening", value=seq % 5 + 1, client_at=now)
            held = marking_service.append_marks(
                sheet, rater_id=rater, client="tablet-0001", touches=[touch], language="zh", now=now
            )
            assert seq in held
            sys.stdout.write(f"{seq}\n")
            sys.stdout.flush()


main()
