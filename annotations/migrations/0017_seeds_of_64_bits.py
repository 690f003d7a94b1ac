"""Seeds up to 2^64 - 1: a column keeps a seed less 2^63."""

from django.db import migrations

import annotations.models.seeds

TABLES = ("annotations_stimulus", "annotations_importrow")
# In two steps, since 2^63 is no number of either database. A negative seed becomes what torch
# makes of it, 2^64 more.
SHIFT = """
UPDATE {table} SET seed = CASE
    WHEN seed >= 0 THEN seed - 9223372036854775807 - 1
    ELSE seed + 9223372036854775807 + 1
END
"""


def shift_seeds(apps, schema_editor):
    """The same there and back: what is not negative goes below zero, and what is above it."""
    for table in TABLES:
        schema_editor.execute(SHIFT.format(table=table))


class Migration(migrations.Migration):
    dependencies = [("annotations", "0016_byte_budget_of_clips")]

    operations = [
        migrations.RunPython(shift_seeds, shift_seeds),
        migrations.AlterField(
            model_name="stimulus",
            name="seed",
            field=annotations.models.seeds.SeedField(default=0),
        ),
        migrations.AlterField(
            model_name="importrow",
            name="seed",
            field=annotations.models.seeds.SeedField(default=0),
        ),
    ]
