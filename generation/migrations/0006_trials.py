from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("generation", "0005_prices_and_tests")]

    operations = [
        migrations.RenameField("job", "is_test", "is_trial"),
        migrations.AlterField(
            "job",
            "is_trial",
            models.BooleanField(
                "trial", default=False, help_text="Tries the endpoint out; part of no study."
            ),
        ),
    ]
