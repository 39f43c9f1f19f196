"""Two columns, an index and a unique constraint."""

import pkgutil

from django.db import migrations, models

import nodes.migrations


class Migration(migrations.Migration):
    dependencies = [("nodes", max(module.name for module in pkgutil.iter_modules(nodes.migrations.__path__)))]
    operations = [
        migrations.AddField("channel", "note", models.CharField(max_length=64, default="it's 100 % new")),
        migrations.AddField("channel", "rank", models.BigIntegerField(null=True)),
        migrations.AddIndex("channel", models.Index(fields=["rank"], name="channel_rank")),
        migrations.AddConstraint("channel", models.UniqueConstraint(fields=["rank", "note"], name="channel_rank_once")),
    ]
