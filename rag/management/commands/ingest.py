"""`manage.py ingest`: the product's own text, or a folder of texts with their licences, into the shared library."""

from argparse import ArgumentParser
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from rag.pipeline.library import PRODUCT, fill_index, load_files, prune
from rag.pipeline.point import open_index
from rag.sources.corpus.file import CorpusError, LibraryFile
from rag.sources.corpus.folder import check_folder, read_files, read_manifest
from rag.sources.corpus.product import read_product_texts
from rag.sources.embedder import EmbedderError, load_embedder
from rag.sources.qdrant.errors import StoreError


class Command(BaseCommand):
    help = (
        "Loads FOLDER into the library that every box may quote; --manifest names each file's source and licence. "
        "Without a folder: the product's own text. Unchanged files are skipped; again, it goes on where it was cut off."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("folder", type=Path, nargs="?")
        parser.add_argument("--manifest", type=Path, help="JSON, docs/knowledge.md says how")
        parser.add_argument("--prune", action="store_true", help="files of the collection that are gone go here, too")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            self._ingest(options["folder"], options["manifest"], prunes=options["prune"])
        except (CorpusError, StoreError, EmbedderError) as error:
            raise CommandError(str(error)) from None

    def _ingest(self, folder: Path | None, manifest_path: Path | None, *, prunes: bool) -> None:
        collection, files = _open(folder, manifest_path)
        loaded = load_files(collection, self._show(files))
        for path, reason in loaded.refused.items():
            self.stderr.write(f"{path}: {reason}")
        load_embedder()
        index = open_index()
        pruned = prune(collection, index, keep=loaded.paths) if prunes or folder is None else 0
        count = fill_index(index, show=lambda done, of: self.stdout.write(f"{done} of {of} passages"))
        self.stdout.write(
            f"{collection}: {loaded.written} files written, {loaded.unchanged} unchanged, {pruned} pruned, "
            f"{len(loaded.refused)} refused; {count} passages embedded with {index.name}"
        )
        if loaded.refused:
            raise CommandError(f"{len(loaded.refused)} files were refused")

    def _show(self, files: Iterator[LibraryFile]) -> Iterator[LibraryFile]:
        for file in files:
            self.stdout.write(file.path)
            yield file


def _open(folder: Path | None, manifest_path: Path | None) -> tuple[str, Iterator[LibraryFile]]:
    """Raises CorpusError, before anything is written."""
    if folder is None:
        return PRODUCT, read_product_texts()
    if manifest_path is None:
        raise CorpusError("--manifest is missing: a text without a licence is not taken in")
    manifest = read_manifest(manifest_path)
    if manifest.collection == PRODUCT:
        raise CorpusError(f"the collection {PRODUCT} is the product's own: choose another name")
    check_folder(folder, manifest, manifest_path=manifest_path)
    return manifest.collection, read_files(folder, manifest)
