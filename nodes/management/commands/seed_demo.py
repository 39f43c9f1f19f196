"""`manage.py seed_demo`: what a demonstration needs before its boxes knock: operator, shop, graph, MCP server."""

from argparse import ArgumentParser
from typing import Any

from django.core.management import call_command
from django.core.management.base import BaseCommand


class Command(BaseCommand):
    help = "Creates an operator and a shop with secrets from files, loads a public graph, adds an MCP server."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--operator", required=True)
        parser.add_argument("--password-file", required=True)
        parser.add_argument("--client", required=True)
        parser.add_argument("--secret-file", required=True)
        parser.add_argument("--graph")
        parser.add_argument("--mcp-server", nargs="+", metavar=("NAME", "COMMAND"), help="an example for the catalogue")

    def handle(self, *args: Any, **options: Any) -> None:
        call_command("create_operator", options["operator"], password_file=options["password_file"])
        call_command("create_provisioning_client", options["client"], secret_file=options["secret_file"])
        if options["graph"]:
            call_command("load_graph", options["graph"])
        if options["mcp_server"]:
            call_command("mcp", "add", *options["mcp_server"])
