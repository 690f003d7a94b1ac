"""Run the demo model server: `python -m examples.model_endpoint --port 8001`."""

from __future__ import annotations

import argparse
import os
import signal
import sys
import tempfile
from pathlib import Path

from examples.model_endpoint.jobs import JobStore
from examples.model_endpoint.models import MODELS
from examples.model_endpoint.server import DemoServer


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m examples.model_endpoint", description=__doc__)
    parser.add_argument("--port", type=int, default=8001, help="0 takes a free one")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--data", type=Path, help="where clips are kept (default: a temporary one)")
    parser.add_argument("--delay", type=float, default=0.0, help="seconds added to every job")
    parser.add_argument("--api-key", default="", help="asked for as a Bearer token when given")
    parser.add_argument("--workers", type=int, default=min(2, os.cpu_count() or 1))
    parser.add_argument("--verbose", action="store_true", help="print every request")
    return parser.parse_args()


def main() -> int:
    """Serve until SIGTERM or Ctrl-C; 1 when the port is taken."""
    arguments = parse_arguments()
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    with tempfile.TemporaryDirectory(prefix="demo-models-") as temporary:
        directory = arguments.data or Path(temporary)
        directory.mkdir(parents=True, exist_ok=True)
        store = JobStore(directory, workers=arguments.workers, delay_seconds=arguments.delay)
        try:
            return serve(arguments, store)
        finally:
            store.close()


def serve(arguments: argparse.Namespace, store: JobStore) -> int:
    address = (arguments.host, arguments.port)
    try:
        server = DemoServer(address, store, api_key=arguments.api_key, verbose=arguments.verbose)
    except OSError as error:
        print(f"Cannot listen on {address[0]}:{address[1]}: {error.strerror}.", file=sys.stderr)
        return 1
    port = server.server_port
    try:
        print(f"Demo models {', '.join(MODELS)} on http://{arguments.host}:{port}/v1", flush=True)
        server.serve_forever(poll_interval=0.1)
    except KeyboardInterrupt:
        pass
    finally:
        server.server_close()
    return 0


if __name__ == "__main__":
    sys.exit(main())
