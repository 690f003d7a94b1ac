"""Parts of a page that are the same for many: made once, and kept in memory."""

from __future__ import annotations

from django import template
from django.template.base import FilterExpression, NodeList, Parser, Token
from django.utils.translation import get_language

register = template.Library()

MOST_KEPT = 256
"""Of each part of a template; with one more all are made anew. With 0 nothing is kept."""


@register.tag
def kept(parser: Parser, token: Token) -> KeptNode:
    """`{% kept asked.viewing %}...{% endkept %}`: made once for each language and value.

    All that the part depends on must be named, by values that can be keys of a dict.
    """
    values = [parser.compile_filter(word) for word in token.split_contents()[1:]]
    nodes = parser.parse(("endkept",))
    parser.delete_first_token()
    return KeptNode(nodes, values)


class KeptNode(template.Node):
    def __init__(self, nodelist: NodeList, values: list[FilterExpression]) -> None:
        self.nodelist, self.values = nodelist, values
        self.made: dict[tuple[object, ...], str] = {}

    def render(self, context: template.Context) -> str:
        if not MOST_KEPT:
            return self.nodelist.render(context)
        values = (value.resolve(context, ignore_failures=True) for value in self.values)
        key = (get_language(), *values)
        text = self.made.get(key)
        if text is None:
            if len(self.made) >= MOST_KEPT:
                self.made.clear()
            text = self.made[key] = self.nodelist.render(context)
        return text
