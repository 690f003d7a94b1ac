"""Rows from before: codes of their own, no skip limit for studies under way, outcomes of the excluded."""

from django.db import migrations
from django.db.models import F
from django.db.models.functions import Coalesce

from annotations.models.study import new_completion_code

NEW_CODES = ("excluded_code", "nothing_judged_code", "skip_limit_code")


def settle(apps, schema_editor):
    Recruitment = apps.get_model("annotations", "Recruitment")
    for recruitment in Recruitment.objects.only("pk").iterator():
        # The column's default was drawn once for all rows.
        codes = {name: new_completion_code() for name in NEW_CODES}
        Recruitment.objects.filter(pk=recruitment.pk).update(**codes)
    Study = apps.get_model("annotations", "Study")
    Study.objects.exclude(state="draft").update(skip_percent=None)
    Rater = apps.get_model("annotations", "Rater")
    Rater.objects.filter(outcome="", excluded_at__isnull=False).update(
        outcome="excluded", finished_at=Coalesce("finished_at", F("excluded_at"))
    )


class Migration(migrations.Migration):
    dependencies = [("annotations", "0010_endings_and_skips")]

    operations = [migrations.RunPython(settle, migrations.RunPython.noop)]
