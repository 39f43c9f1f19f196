"""`manage.py migrate_embeddings`: the model that the settings name now takes over."""

from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from rag.pipeline.migrate import migrate_index
from rag.sources.embedder import EmbedderError, load_embedder
from rag.sources.qdrant.border import open_border
from rag.sources.qdrant.errors import StoreError


class Command(BaseCommand):
    help = (
        "Embeds all that is indexed with the model in force, beside the vectors of the one before; cut off, run again."
    )

    def handle(self, *args: Any, **options: Any) -> None:
        env = settings.ENV
        key = env.qdrant_api_key.get_secret_value() if env.qdrant_api_key else None
        border = open_border(env.qdrant_url, key)
        try:
            embedder = load_embedder()
            done = migrate_index(
                border,
                env.qdrant_collection,
                embedder=embedder,
                show=lambda whose, count: self.stdout.write(f"{whose}: {count} passages"),
            )
        except (StoreError, EmbedderError) as error:
            raise CommandError(str(error)) from None
        finally:
            border.close()
        self.stdout.write(f"{embedder.model.id} is in force" if done else "nothing to migrate")
