"""A web process without a server: asks the WSGI application, and says what it has loaded.

Started by `test_web_process.py` as `python -m tests.setup.web_process`, with a line of JSON on
standard input: a list of [path, cookies]. It answers with one line for each: status, heavy modules.
"""

from __future__ import annotations

import json
import sys
from io import BytesIO
from typing import Any

from juice.wsgi import application

HEAVY = ("numpy", "pandas", "scipy", "plotly", "pyarrow", "matplotlib", "av", "msgspec")


def ask(path: str, cookies: str) -> int:
    """The status; the answer is read to its end."""
    status = []
    answer = application(environ(path, cookies), lambda line, *_: status.append(line))
    try:
        for _ in answer:
            pass
    finally:
        getattr(answer, "close", lambda: None)()
    return int(status[0].split()[0])


def environ(path: str, cookies: str) -> dict[str, Any]:
    return {
        "REQUEST_METHOD": "GET",
        "SCRIPT_NAME": "",
        "PATH_INFO": path,
        "QUERY_STRING": "",
        "SERVER_NAME": "localhost",
        "SERVER_PORT": "80",
        "SERVER_PROTOCOL": "HTTP/1.1",
        "HTTP_HOST": "localhost",
        "HTTP_COOKIE": cookies,
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": "http",
        "wsgi.input": BytesIO(),
        "wsgi.errors": sys.stderr,
        "wsgi.multithread": False,
        "wsgi.multiprocess": True,
        "wsgi.run_once": False,
    }


if __name__ == "__main__":
    for path, cookies in json.loads(sys.stdin.readline()):
        status = ask(path, cookies)
        print(json.dumps([status, [name for name in HEAVY if name in sys.modules]]))
