"""`manage.py load_graph FILE`: the public channel graph."""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from nodes.pipeline.candidate_turn import queue_candidates_of_all
from nodes.pipeline.graph import load_graph
from nodes.selectors.position import newest_load
from nodes.sources.describegraph.reader import GraphFileError


class Command(BaseCommand):
    help = "Loads an `lncli describegraph` file (plain, .gz or .xz): network positions and market fees of all nodes."
    requires_system_checks = ()  # they load every view, 100 MB that this command has no use for

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", type=Path)
        parser.add_argument(
            "--force", action="store_true", help="also with less than half the channels of the graph in force"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            before = newest_load()
            load = load_graph(options["file"], force=options["force"])
        except GraphFileError as error:
            raise CommandError(str(error)) from None
        if load != before:
            queue_candidates_of_all()
        self.stdout.write(f"Graph of {load.node_count} nodes and {load.channel_count} channels is in force")
