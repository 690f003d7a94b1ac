"""How an import's table was read, and what was passed over."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("annotations", "0017_seeds_of_64_bits")]

    operations = [
        migrations.AddField(
            model_name="clipimport",
            name="notes",
            field=models.JSONField(
                blank=True,
                default=list,
                help_text="How its table was read, and what was passed over.",
            ),
        ),
    ]
