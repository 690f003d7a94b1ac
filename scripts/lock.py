"""`make lock`: pin every version with its hashes, for every platform, naming no index."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

FOLDER = Path("requirements")
OPTIONS = [
    *("--universal", "--python-version", "3.11"),
    *("--generate-hashes", "--no-emit-index-url", "--no-annotate", "--no-header", "--quiet"),
]


def main() -> int:
    for name in ("base", "tracing", "demo", "dev"):
        source, target = FOLDER / f"{name}.in", FOLDER / f"{name}.txt"
        command = [sys.executable, "-m", "uv", "pip", "compile", *OPTIONS, str(source)]
        subprocess.run([*command, "-o", str(target)], check=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
