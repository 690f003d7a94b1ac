import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('annotations', '0022_fill_rosters'),
    ]

    operations = [
        migrations.AddField(
            model_name='clipimport',
            name='replaces',
            field=models.BooleanField(default=False, help_text='Put its clips in the place of those that are there.'),
        ),
        migrations.AddField(
            model_name='clipimport',
            name='replaces_why',
            field=models.TextField(blank=True, help_text='Why clips of an open study are replaced: for the report.'),
        ),
        migrations.AddField(
            model_name='importrow',
            name='source',
            field=models.TextField(blank=True, help_text='The same of what the model started from.'),
        ),
        migrations.AddField(
            model_name='importrow',
            name='source_facts',
            field=models.JSONField(blank=True, default=dict, help_text="What the prompt's row says of its source."),
        ),
        migrations.AddField(
            model_name='importrow',
            name='source_sha256',
            field=models.CharField(blank=True, max_length=64),
        ),
        migrations.AddField(
            model_name='study',
            name='archived_at',
            field=models.DateTimeField(blank=True, editable=False, null=True),
        ),
        migrations.AddField(
            model_name='studyprompt',
            name='told',
            field=models.ForeignKey(blank=True, help_text='Whose text the models were told, where it was corrected since.', null=True, on_delete=django.db.models.deletion.PROTECT, related_name='corrected_in', to='annotations.prompt'),
        ),
        migrations.AlterField(
            model_name='comparison',
            name='state',
            field=models.CharField(choices=[('preparing', 'Preparing'), ('ready', 'Ready'), ('failed', 'Failed'), ('withdrawn', 'Withdrawn')], default='preparing', max_length=10),
        ),
        migrations.AlterField(
            model_name='study',
            name='prompts',
            field=models.ManyToManyField(related_name='studies', through='annotations.StudyPrompt', through_fields=('study', 'prompt'), to='annotations.prompt'),
        ),
        migrations.CreateModel(
            name='Amendment',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('kind', models.CharField(choices=[('withdrawn', 'Comparisons withdrawn'), ('replaced', 'Clips replaced'), ('more-raters', 'More raters per comparison'), ('more-prompts', 'More prompts'), ('corrected', 'Text of a prompt corrected')], max_length=12)),
                ('reason', models.TextField()),
                ('facts', models.JSONField(default=dict)),
                ('votes_before', models.PositiveIntegerField(help_text='Votes that counted when it was made.')),
                ('votes_set_aside', models.PositiveIntegerField(default=0, help_text='Votes that count no more because of it.')),
                ('protocol_before', models.CharField(max_length=64)),
                ('protocol_after', models.CharField(max_length=64)),
                ('made_at', models.DateTimeField()),
                ('study', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='amendments', to='annotations.study')),
            ],
            options={
                'ordering': ['id'],
            },
        ),
        migrations.AddField(
            model_name='comparison',
            name='withdrawn_by',
            field=models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.RESTRICT, related_name='comparisons', to='annotations.amendment'),
        ),
        migrations.AddConstraint(
            model_name='comparison',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('state', 'withdrawn'), ('withdrawn_by__isnull', False)), models.Q(models.Q(('state', 'withdrawn'), _negated=True), ('withdrawn_by', None)), _connector='OR'), name='comparison_withdrawn_for_a_reason'),
        ),
        migrations.AddConstraint(
            model_name='amendment',
            constraint=models.CheckConstraint(condition=models.Q(('reason', ''), _negated=True), name='amendment_says_why'),
        ),
    ]
