"""The WSGI application for granian or any other WSGI server."""

import os

import django
from django.core.handlers.wsgi import WSGIHandler, WSGIRequest

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "juice.settings")


class PatientRequest(WSGIRequest):
    """Passes over an encoding that is none, such as `charset=hex`, as Django does with unknown
    ones. It would fail there before there is a request that any page could answer."""

    def _set_content_type_params(self, meta: dict[str, str]) -> None:
        try:
            super()._set_content_type_params(meta)  # type: ignore[misc]
        except LookupError:
            self._encoding = None


class PatientHandler(WSGIHandler):
    request_class = PatientRequest


django.setup(set_prefix=False)
application = PatientHandler()
