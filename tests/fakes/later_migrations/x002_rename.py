"""Undoes a part of the migration before: what it gave must be found by name."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("nodes", "x001_grow")]
    operations = [
        migrations.RemoveConstraint("channel", "channel_rank_once"),
        migrations.AlterField("channel", "rank", models.BigIntegerField(null=True, unique=True)),
        migrations.AlterField("channel", "rank", models.BigIntegerField(default=7)),
    ]
