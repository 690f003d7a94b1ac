from django.apps import AppConfig


class AnalysisConfig(AppConfig):
    name = "analysis"
    verbose_name = "Analysis"

    def ready(self) -> None:
        """Make the tasks known to whoever queues them; they load what computes when they run."""
        import analysis.tasks  # noqa: F401
