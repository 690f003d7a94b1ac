from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('analysis', '0004_percent'),
    ]

    operations = [
        migrations.AddField(
            model_name='report',
            name='extras_error',
            field=models.TextField(blank=True, help_text='Why they could not be made.'),
        ),
        migrations.AddField(
            model_name='report',
            name='extras_next_try_at',
            field=models.DateTimeField(blank=True, null=True),
        ),
        migrations.AddField(
            model_name='report',
            name='extras_tries',
            field=models.PositiveIntegerField(default=0),
        ),
        migrations.AddField(
            model_name='report',
            name='next_try_at',
            field=models.DateTimeField(blank=True, help_text='After a failure: when it is tried again by itself.', null=True),
        ),
        migrations.AlterField(
            model_name='report',
            name='error',
            field=models.TextField(blank=True, help_text='Why the latest try failed.'),
        ),
        migrations.AlterField(
            model_name='report',
            name='tries',
            field=models.PositiveIntegerField(default=0),
        ),
    ]
