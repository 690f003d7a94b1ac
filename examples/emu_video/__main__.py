"""python -m examples.emu_video [VOTES.csv]"""

import sys
from pathlib import Path

from examples.emu_video.recompute import table, write_votes

if __name__ == "__main__":
    sys.stdout.write(table())
    if sys.argv[1:]:
        count = write_votes(Path(sys.argv[1]))
        sys.stdout.write(f"{count} votes written to {sys.argv[1]}\n")
