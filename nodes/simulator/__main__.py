"""python -m nodes.simulator make | serve

Each command imports its own: serving needs neither the network's generator nor the graph's reader, and stays small.
"""

import argparse
import asyncio
import sys
from pathlib import Path

from nodes.simulator.world import WorldFileError


def main() -> int:
    options = _parse_arguments()
    return _make(options) if options.command == "make" else _serve(options)


def _make(options: argparse.Namespace) -> int:
    from nodes.simulator.make import describe_world, make_world
    from nodes.simulator.selection import SelectionError
    from nodes.sources.describegraph.reader import GraphFileError

    try:
        world = make_world(
            options.fleet,
            graph_path=options.graph,
            world_path=options.world,
            graph_out=options.graph_out,
            cln_count=options.cln,
        )
    except (GraphFileError, SelectionError) as error:
        print(error, file=sys.stderr)
        return 1
    print(describe_world(world))
    return 0


def _serve(options: argparse.Namespace) -> int:
    from nodes.simulator.serve import ServedNode, serve_world, write_ready_file

    def announce(nodes: list[ServedNode]) -> None:
        if options.ready_file is not None:
            write_ready_file(options.ready_file, nodes)
        for node in nodes:
            print(f"{node.url}  {node.alias}  {node.pubkey}")
        print("ready", flush=True)

    try:
        asyncio.run(serve_world(options.world, options.home, announce=announce, has_faults=options.faults))
    except WorldFileError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


def _parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m nodes.simulator", description="A fleet of simulated Lightning nodes."
    )
    commands = parser.add_subparsers(dest="command", required=True)
    make = commands.add_parser("make", help="choose a fleet, give it balances and fourteen days of history")
    make.add_argument("--fleet", type=_read_count, required=True, metavar="N", help="how many nodes")
    make.add_argument(
        "--cln", type=_read_count, default=0, metavar="N", help="the last N of them are Core Lightning nodes"
    )
    make.add_argument("--graph", type=Path, metavar="FILE", help="an lncli describegraph file: plain, .gz or .xz")
    make.add_argument("--world", type=Path, required=True, metavar="FILE", help="where to write the world")
    make.add_argument(
        "--graph-out", type=Path, metavar="FILE", help="without --graph: where to write the simulated public graph"
    )
    serve = commands.add_parser("serve", help="serve each node's REST API on a loopback port of its own")
    serve.add_argument("--world", type=Path, required=True, metavar="FILE")
    serve.add_argument("--home", type=Path, required=True, metavar="DIR", help="certificates, macaroons, runes, ports")
    serve.add_argument(
        "--ready-file", type=Path, metavar="FILE", help="written when all nodes listen: how to reach them"
    )
    serve.add_argument("--faults", action="store_true", help="for tests: fail as faults.json in each node's home says")
    return parser.parse_args()


def _read_count(text: str) -> int:
    if not (text.isdecimal() and int(text) > 0):
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of nodes: 1 or more")
    return int(text)


if __name__ == "__main__":
    sys.exit(main())
