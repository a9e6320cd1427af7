"""Copy the front-end files and fonts that the product uses from node_modules/ into static/vendor/.

`package.json` names them: under `vendor`, target -> source. Called by ./setup after `npm ci`.
"""

from __future__ import annotations

import json
import shutil
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


def main(modules: Path) -> int:
    target_dir = ROOT / "static" / "vendor"
    target_dir.mkdir(parents=True, exist_ok=True)
    wanted: dict[str, str] = json.loads((ROOT / "package.json").read_text())["vendor"]
    for target, source in wanted.items():
        if not (modules / source).is_file():
            print(f"The package of static/vendor/{target} lacks {source}: correct `vendor` in package.json.")
            return 1
        # Renamed into place: a start at the same moment never reads half a font.
        draft = target_dir / f".{target}.new"
        shutil.copyfile(modules / source, draft)
        draft.replace(target_dir / target)
    for kept in target_dir.iterdir():
        if kept.is_file() and kept.name not in wanted and kept.name != ".stamp":
            kept.unlink()
    return 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
