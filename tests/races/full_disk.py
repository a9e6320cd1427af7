"""A browser at work while no file may grow any more: what the server answers to saves and to the hand-in.

Arguments: employee number, password, attempt, and the answers as JSON. Each line: [what, status, body or code].
"""

import json
import resource
import sys
from pathlib import Path
from typing import Any

from sqlalchemy.engine import make_url

from training_app.app import create_app, settings_of

ROOM = 256 * 1024


def main() -> None:
    number, password, public_id, answers = *sys.argv[1:4], json.loads(sys.argv[4])
    app = create_app()
    app.config["WTF_CSRF_ENABLED"] = False
    client = app.test_client()
    signed = client.post("/sign-in", data={"number": number, "password": password})
    assert signed.status_code == 302, signed.text
    epoch = client.post(f"/attempts/{public_id}/open", json={}).get_json()["epoch"]
    database = Path(str(make_url(settings_of(app).database_url).database))
    sizes = [path.stat().st_size for path in database.parent.glob(f"{database.name}*")]
    hard = resource.getrlimit(resource.RLIMIT_FSIZE)[1]
    resource.setrlimit(resource.RLIMIT_FSIZE, (max(sizes) + ROOM, hard))

    def save(sequence: int) -> int:
        key, answer = answers[sequence % len(answers)]
        sent: dict[str, Any] = {"item": key, "answer": answer, "seq": sequence, "flagged": False}
        answered = client.post(f"/attempts/{public_id}/save", json={"epoch": epoch, "saves": [sent]})
        body = answered.get_json()
        said = [body.get("code"), answered.headers.get("Retry-After")]
        print(json.dumps(["save", answered.status_code, key, sequence, *said]), flush=True)
        return answered.status_code

    sequence = 1
    while save(sequence) == 200:
        sequence += 1
    for _ in range(3):
        sequence += 1
        save(sequence)
    handed_in = client.post(f"/attempts/{public_id}/submit", data={"epoch": epoch})
    print(json.dumps(["submit", handed_in.status_code, handed_in.text]), flush=True)
    resource.setrlimit(resource.RLIMIT_FSIZE, (hard, hard))
    save(sequence + 1)


if __name__ == "__main__":
    main()
