"""How static files are named."""

from functools import cache
from typing import Any

from whitenoise.storage import CompressedManifestStaticFilesStorage


class HashedStaticFilesStorage(CompressedManifestStaticFilesStorage):
    """Hashed names for everything, `import "./x.js"` inside ES modules included."""

    support_js_module_import_aggregation = True

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        # What is collected stays as it is while we run.
        self._address = cache(super().url)

    def url(self, name: str, force: bool = False) -> str:
        return str(self._address(name, force))
