"""Numbers the channels of a box; refuses a box that has one called "refused"."""

from typing import Any

from django.db import migrations


def number_channels(apps: Any, schema_editor: Any) -> None:
    channels = apps.get_model("nodes", "Channel").objects
    if channels.filter(digest=b"refused").exists():
        raise ValueError("this box is refused")
    for number, channel in enumerate(channels.order_by("digest")):
        channels.filter(pk=channel.pk).update(rank=number)


class Migration(migrations.Migration):
    dependencies = [("nodes", "x002_rename")]
    operations = [migrations.RunPython(number_channels, migrations.RunPython.noop)]
