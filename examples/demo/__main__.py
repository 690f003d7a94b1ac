"""python -m examples.demo --endpoint-url URL --site-url URL

Set up the demo's studies in the database of the settings. Run by `make demo`; safe to run again.
The last line is JSON with the links.
"""

from __future__ import annotations

import argparse
import json
import os
import sys

import django


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--endpoint-url", required=True, help="the demo model server")
    parser.add_argument("--site-url", required=True, help="this site, as raters open it")
    options = parser.parse_args()
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "juice.settings")
    django.setup()
    from examples.demo.setup import DemoFailed, set_up

    try:
        links = set_up(endpoint_url=options.endpoint_url, site_url=options.site_url)
    except DemoFailed as error:
        print(error, file=sys.stderr)
        return 1
    print(json.dumps(links))
    return 0


if __name__ == "__main__":
    sys.exit(main())
