from django.apps import AppConfig

from annotations import lookups


class AnnotationsConfig(AppConfig):
    name = "annotations"
    verbose_name = "Annotations"

    def ready(self) -> None:
        lookups.register()
