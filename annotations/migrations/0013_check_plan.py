import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("annotations", "0012_reason_order")]

    operations = [
        migrations.RenameModel("QualityPlan", "CheckPlan"),
        migrations.AlterModelOptions("checkplan", {"verbose_name": "checks"}),
        migrations.AlterField(
            "checkplan",
            "study",
            models.OneToOneField(
                on_delete=django.db.models.deletion.CASCADE,
                related_name="check_plan",
                to="annotations.study",
            ),
        ),
    ]
