import secrets

from django.db import migrations, models


def stamp_those_out_of_draft(apps, schema_editor):
    study = apps.get_model("annotations", "Study")
    for row in study.objects.exclude(state="draft").only("pk"):
        study.objects.filter(pk=row.pk).update(frozen_as=secrets.token_urlsafe(24))


class Migration(migrations.Migration):
    dependencies = [("annotations", "0019_model_pairs_of_imports")]

    operations = [
        migrations.AddField(
            "study",
            "frozen_as",
            models.CharField(blank=True, db_default="", default="", editable=False, max_length=40),
        ),
        migrations.RunPython(stamp_those_out_of_draft, migrations.RunPython.noop),
    ]
