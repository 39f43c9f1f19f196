"""`make evaluate ARGS="--questions FILE --corpus FOLDER --json OUT"`: how good and how fast retrieval is."""

from argparse import ArgumentParser
from pathlib import Path
from time import perf_counter
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from msgspec import json

from rag.pipeline.evaluate import evaluate
from rag.pipeline.evaluation_corpus import index_corpus, read_corpus, read_questions
from rag.pipeline.evaluation_report import draw_table, make_report
from rag.sources.embedder import load_embedder
from rag.sources.qdrant.connect import connect


class Command(BaseCommand):
    help = "Measures retrieval on questions with known answers. The store it is given should be empty."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--questions", type=Path, required=True, help="JSON lines: qid lang type query relevant")
        parser.add_argument("--corpus", type=Path, required=True, help="folder of *.sections.jsonl.gz")
        parser.add_argument("--json", type=Path, help="where the report goes")

    def handle(self, **options: Any) -> None:
        """Raises CommandError for files that cannot be read."""
        try:
            sections, questions = read_corpus(options["corpus"]), read_questions(options["questions"])
        except (OSError, ValueError) as error:
            raise CommandError(str(error)) from error
        embedder = load_embedder()
        store = connect(embedder.model)
        cache = settings.ENV.model_cache_dir / "evaluated"
        begun_s = perf_counter()
        chunks = index_corpus(sections, store=store, embedder=embedder, cache=cache, say=self.stdout.write)
        index_s = perf_counter() - begun_s
        outcomes = evaluate(questions, store=store, embedder=embedder, say=self.stdout.write)
        report = make_report(
            outcomes, sections=len(sections), chunks=chunks, model=embedder.model.id, index_s=round(index_s, 1)
        )
        self.stdout.write(draw_table(report))
        if options["json"]:
            options["json"].write_bytes(json.format(json.encode(report), indent=2) + b"\n")
