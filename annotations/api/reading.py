"""How the API reads bodies and page numbers: by the rules of `annotations.inputs`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import IO, Any

from django.utils.translation import gettext as _
from rest_framework.pagination import LimitOffsetPagination
from rest_framework.parsers import JSONParser
from rest_framework.request import Request

from annotations.inputs import LARGEST_JSON, read_json, read_whole_number


class StrictJSONParser(JSONParser):
    """JSON whose every value can be stored; raises BadInput for all else."""

    def parse(
        self,
        stream: IO[Any],
        media_type: str | None = None,
        parser_context: Mapping[str, Any] | None = None,
    ) -> Any:
        return read_json(stream.read(LARGEST_JSON + 1), what=_("The body"))


class Pages(LimitOffsetPagination):
    """`?limit=` and `?offset=`; a number that makes no sense is refused, not passed over."""

    max_limit = 1000

    def get_limit(self, request: Request) -> int:
        asked = request.query_params.get(self.limit_query_param)
        if asked is None:
            return int(self.default_limit or self.max_limit)
        return read_whole_number(asked, what="limit", least=1, most=self.max_limit)

    def get_offset(self, request: Request) -> int:
        asked = request.query_params.get(self.offset_query_param, "0")
        return read_whole_number(asked, what="offset", least=0)
