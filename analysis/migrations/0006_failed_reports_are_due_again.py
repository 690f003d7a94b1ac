"""Reports that were given up after three tries are tried again like any other."""

from django.db import migrations
from django.utils import timezone


def let_them_be_tried(apps, schema_editor):
    failed = apps.get_model('analysis', 'Report').objects.filter(state='failed', next_try_at=None)
    failed.update(next_try_at=timezone.now())


class Migration(migrations.Migration):

    dependencies = [
        ('analysis', '0005_next_try'),
    ]

    operations = [
        migrations.RunPython(let_them_be_tried, migrations.RunPython.noop),
    ]
