"""What a study took by its models and prompts until now is put on its roster."""

from django.db import migrations

BATCH = 2000
OF_AN_ENDPOINT = "endpoint:"


def put_on_rosters(apps, schema_editor):
    stimuli = apps.get_model("annotations", "Stimulus").objects
    entries = apps.get_model("annotations", "RosterEntry")
    for study in apps.get_model("annotations", "Study").objects.only("pk"):
        rows = stimuli.filter(model__studies=study.pk, prompt__studies=study.pk)
        new = entries_of(study.pk, rows.order_by("prompt", "seed", "pk"), entries)
        entries.objects.bulk_create(new, batch_size=BATCH)


def entries_of(study, rows, entries):
    """Clips of one seed met, and have one number: the place of the seed among the prompt's."""
    numbers = {}
    for stimulus in rows.only("pk", "model_id", "prompt_id", "seed", "source").iterator(BATCH):
        seeds = numbers.setdefault(stimulus.prompt_id, {})
        is_made = stimulus.source.startswith(OF_AN_ENDPOINT)
        yield entries(
            study_id=study,
            model_id=stimulus.model_id,
            prompt_id=stimulus.prompt_id,
            sample=seeds.setdefault(stimulus.seed, len(seeds) + 1),
            stimulus_id=stimulus.pk,
            origin="made" if is_made else "imported",
        )


class Migration(migrations.Migration):
    dependencies = [("annotations", "0021_rosters")]

    operations = [migrations.RunPython(put_on_rosters, migrations.RunPython.noop)]
