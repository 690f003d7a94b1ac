from django.apps import AppConfig


class GenerationConfig(AppConfig):
    name = "generation"
    verbose_name = "Generation"

    def ready(self) -> None:
        """Reports tell what became of jobs, and may not look here."""
        from annotations.services.clips.outcomes import register_source
        from generation.jobs.outcomes import job_outcomes

        register_source(job_outcomes)
