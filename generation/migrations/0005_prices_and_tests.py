
import django.core.validators
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('generation', '0004_chains_and_settings'),
    ]

    operations = [
        migrations.AddField(
            model_name='endpoint',
            name='cost_per_second',
            field=models.DecimalField(blank=True, decimal_places=6, help_text='Price of a second of clip, besides the price of a clip if any.', max_digits=14, null=True, validators=[django.core.validators.MinValueValidator(0)]),
        ),
        migrations.AddField(
            model_name='job',
            name='is_test',
            field=models.BooleanField(default=False, help_text='Tries the endpoint out; part of no study.', verbose_name='test'),
        ),
        migrations.AlterField(
            model_name='endpoint',
            name='cost_per_job',
            field=models.DecimalField(blank=True, decimal_places=6, help_text='Price of a clip: an estimate, where the endpoint does not tell the cost.', max_digits=14, null=True, validators=[django.core.validators.MinValueValidator(0)]),
        ),
    ]
