from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("annotations", "0018_notes_of_imports")]

    operations = [migrations.RenameField("clipimport", "pairs", "model_pairs")]
