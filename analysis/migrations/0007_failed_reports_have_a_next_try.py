from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('analysis', '0006_failed_reports_are_due_again'),
    ]

    operations = [
        migrations.AddIndex(
            model_name='report',
            index=models.Index(condition=models.Q(('state', 'failed')), fields=['next_try_at'], name='report_due_again'),
        ),
        migrations.AddConstraint(
            model_name='report',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('state', 'failed'), _negated=True), ('next_try_at__isnull', False), _connector='OR'), name='report_failed_is_tried_again'),
        ),
    ]
