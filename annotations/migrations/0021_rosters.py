import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("annotations", "0020_stamps_of_frozen_studies"),
    ]

    operations = [
        migrations.CreateModel(
            name="RosterEntry",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("sample", models.PositiveIntegerField(default=1)),
                (
                    "origin",
                    models.CharField(
                        choices=[
                            ("imported", "Imported"),
                            ("made", "Made for it"),
                            ("shared", "Taken over from elsewhere"),
                        ],
                        help_text="How the clip came into the study.",
                        max_length=8,
                    ),
                ),
                (
                    "is_new",
                    models.BooleanField(
                        default=True, help_text="Whether its comparisons have yet to be planned."
                    ),
                ),
                ("added_at", models.DateTimeField(auto_now_add=True)),
            ],
            options={
                "verbose_name_plural": "roster entries",
                "ordering": ["id"],
            },
        ),
        migrations.RemoveConstraint(
            model_name="stimulus",
            name="stimulus_once_per_model_prompt_seed",
        ),
        migrations.AddField(
            model_name="study",
            name="sample_pairing",
            field=models.CharField(
                choices=[
                    ("equal", "Samples of the same number"),
                    ("crossed", "Every sample of the one with every sample of the other"),
                    ("random", "Drawn by lot, each sample once"),
                ],
                default="equal",
                help_text="Where models have several clips of a prompt: which of them meet.",
                max_length=8,
                verbose_name="pairing of samples",
            ),
        ),
        migrations.AddConstraint(
            model_name="stimulus",
            constraint=models.UniqueConstraint(
                fields=("model", "prompt", "seed", "sha256"), name="stimulus_once"
            ),
        ),
        migrations.AddField(
            model_name="rosterentry",
            name="model",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to="annotations.generativemodel",
            ),
        ),
        migrations.AddField(
            model_name="rosterentry",
            name="prompt",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to="annotations.prompt",
            ),
        ),
        migrations.AddField(
            model_name="rosterentry",
            name="stimulus",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.CASCADE,
                related_name="roster_entries",
                to="annotations.stimulus",
            ),
        ),
        migrations.AddField(
            model_name="rosterentry",
            name="study",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.CASCADE,
                related_name="roster",
                to="annotations.study",
            ),
        ),
        migrations.AddIndex(
            model_name="rosterentry",
            index=models.Index(
                condition=models.Q(("is_new", True)), fields=["study"], name="roster_new"
            ),
        ),
        migrations.AddConstraint(
            model_name="rosterentry",
            constraint=models.UniqueConstraint(
                fields=("study", "model", "prompt", "sample"), name="roster_place_once"
            ),
        ),
        migrations.AddConstraint(
            model_name="rosterentry",
            constraint=models.UniqueConstraint(
                fields=("study", "stimulus"), name="roster_clip_once"
            ),
        ),
        migrations.AddConstraint(
            model_name="rosterentry",
            constraint=models.CheckConstraint(
                condition=models.Q(("sample__gte", 1)), name="roster_sample_from_one"
            ),
        ),
    ]
