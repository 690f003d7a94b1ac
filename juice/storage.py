"""How static files are named."""

from whitenoise.storage import CompressedManifestStaticFilesStorage


class HashedStaticFilesStorage(CompressedManifestStaticFilesStorage):
    """Hashed names for everything, `import "./x.js"` inside ES modules included."""

    support_js_module_import_aggregation = True
