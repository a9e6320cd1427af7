"""Locks of packages: check that they pin with hashes and name no host; `--write` makes them anew with uv."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import tempfile
import venv
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
LOCKS = ("requirements", "requirements-dev", "requirements-npm")
UV = "uv==0.13.9"
ADDRESS = re.compile(r"https?://|file:|--(extra-)?index-url|--find-links")


def check(root: Path) -> list[str]:
    """Return a line for each fault."""
    faults = []
    for name in LOCKS:
        locked = (root / f"{name}.txt").read_text()
        faults += [f"{name}.txt:{n}: names a host" for n in address_lines(locked)]
        entries = re.split(r"\n(?=[A-Za-z])", locked.strip())
        faults += [f"{name}.txt: {one.split()[0]} has no hash" for one in entries if "--hash=sha256:" not in one]
        versions = {normal(one.split("==")[0]): one.split()[0] for one in entries}
        for line in (root / f"{name}.in").read_text().splitlines():
            wanted = line.split("#")[0].strip()
            if not wanted or wanted.startswith("-r"):
                continue
            pin = re.fullmatch(r"([\w.-]+)(?:\[[\w,]+\])?==([\w.]+)", wanted)
            if pin is None:
                faults.append(f"{name}.in: {wanted} is not pinned; write name==version")
            elif not re.fullmatch(
                rf"{re.escape(pin[1])}(\[[\w,-]+\])?=={re.escape(pin[2])}",
                versions.get(normal(pin[1]), ""),
                re.IGNORECASE,
            ):
                faults.append(f"{name}.txt: {wanted} is not what it locks; type: make lock")
    lock = (root / "package-lock.json").read_text()
    faults += [f"package-lock.json:{n}: names a host" for n in address_lines(lock)]
    for path, package in json.loads(lock)["packages"].items():
        if path and not package.get("integrity", "").startswith("sha512-"):
            faults.append(f"package-lock.json: {path} has no integrity hash")
    return faults


def normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name.split("[")[0]).lower()


def address_lines(text: str) -> list[int]:
    return [number for number, line in enumerate(text.splitlines(), 1) if ADDRESS.search(line)]


def write(root: Path) -> None:
    """Resolve for Python 3.11 and newer on every system; needs the network."""
    with tempfile.TemporaryDirectory() as folder:
        venv.create(folder, with_pip=True)
        pip = [f"{folder}/bin/python", "-m", "pip", "install", "--quiet", "--disable-pip-version-check", UV]
        subprocess.run(pip, check=True)
        for name in LOCKS:
            command = [
                f"{folder}/bin/uv",
                "pip",
                "compile",
                "--quiet",
                "--universal",
                "--python-version",
                "3.11",
            ]
            command += ["--generate-hashes", "--no-emit-index-url", "--no-emit-find-links", "--no-header"]
            command += ["--no-annotate", f"{name}.in", "-o", f"{name}.txt"]
            subprocess.run(command, check=True, cwd=root)


def main(arguments: list[str], root: Path = ROOT) -> int:
    if "--write" in arguments:
        write(root)
    faults = check(root)
    for fault in faults:
        print(fault, file=sys.stderr)
    if not faults:
        print("locks: every package pinned with hashes, no host named")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
