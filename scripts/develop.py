"""`make run`: a development server that reloads, with worker, beat and Redis beside it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from scripts import workers
from scripts.demo import program
from scripts.services import SetupError, is_taken, start_process, start_redis, stop_process

ROOT = Path(__file__).resolve().parent.parent
LOGS = ROOT / "var" / "log"


def main() -> int:
    host, port = os.environ.get("HOST", "127.0.0.1"), os.environ.get("PORT", "8000")
    try:
        if is_taken(host, int(port)):
            raise SetupError(f"Port {port} is taken. Take another: make run PORT={int(port) + 1}")
        redis = start_redis(LOGS)
    except SetupError as error:
        print(error, file=sys.stderr)
        return 1
    environment = {**os.environ, "DEBUG": "1", "REDIS_URL": redis.url}
    celery = [program("celery"), "-A", "juice"]
    started = []
    try:
        subprocess.run(
            [sys.executable, "manage.py", "migrate", "-v", "0"], env=environment, check=True
        )
        for name, words in {
            "worker": workers.waiting(),
            "worker-media": workers.computing(),
            "beat": ["beat", "--pidfile="],
        }.items():
            log = LOGS / f"{name}.log"
            started.append(start_process([*celery, *words], log=log, cwd=ROOT, env=environment))
        print(f"Workers and beat write to {LOGS.relative_to(ROOT)}/. First time: in another shell,")
        print("  DEBUG=1 .venv/bin/python manage.py createsuperuser", flush=True)
        subprocess.run(
            [sys.executable, "manage.py", "runserver", f"{host}:{port}"], env=environment
        )
    except KeyboardInterrupt:
        pass
    finally:
        for process in reversed(started):
            stop_process(process)
        redis.stop()
    return 0


if __name__ == "__main__":
    sys.exit(main())
