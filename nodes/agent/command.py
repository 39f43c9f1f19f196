"""The commands of the agent, for people and for service managers."""

import argparse
import json
import logging
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from nodes.agent.claim import claim_home
from nodes.agent.cloud import open_cloud
from nodes.agent.config import AGENT_VERSION, SECRETS, Implementation, NodeAddress, normalise_url, read_config
from nodes.agent.device_key import read_device_key
from nodes.agent.loop import run_homes
from nodes.agent.report import Reporter
from nodes.agent.session import Session
from nodes.sources.driver.errors import OutsideError

MAX_INTERVAL_S = 86_400


def main(arguments: Sequence[str] | None = None) -> int:
    """The exit status: 0 done, 1 failed with one line on stderr, 2 wrong usage."""
    options = build_parser().parse_args(arguments)
    start_log()
    try:
        status: int = options.command(options)
    except (OutsideError, OSError) as error:
        print(f"dazbox-agent: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    return status


def build_parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m nodes.agent", description="Reports a Lightning node to the cloud.")
    parser.add_argument("--version", action="version", version=AGENT_VERSION)
    commands = parser.add_subparsers(required=True, metavar="command")

    claim = commands.add_parser("claim", help="make this box a device of the cloud, once")
    claim.add_argument("--home", type=Path, required=True, metavar="DIR", help="folder of the device key and settings")
    claim.add_argument("--cloud", required=True, metavar="URL", help="address of the cloud")
    claim.add_argument("--claim", required=True, metavar="CODE", help="the claim code of the box's owner")
    add_node(claim)
    claim.set_defaults(command=claim_box, usage=claim)

    report = commands.add_parser("report", help="report once")
    report.add_argument("homes", type=Path, nargs="+", metavar="HOME")
    report.set_defaults(command=report_once)

    run = commands.add_parser("run", help="report until SIGTERM")
    run.add_argument("homes", type=Path, nargs="+", metavar="HOME")
    run.add_argument("--interval", type=parse_interval_s, default=60.0, metavar="SECONDS", help="default: 60")
    run.set_defaults(command=run_until_stopped)

    token = commands.add_parser("token", help="print tokens of this device, for scripts on the box")
    token.add_argument("home", type=Path, metavar="HOME")
    token.set_defaults(command=print_tokens)
    return parser


def add_node(claim: argparse.ArgumentParser) -> None:
    """Either LND with a macaroon, or Core Lightning with a rune."""
    address = claim.add_mutually_exclusive_group(required=True)
    address.add_argument("--lnd", metavar="URL", help="LND's REST address, like https://127.0.0.1:8080")
    address.add_argument("--cln", metavar="URL", help="clnrest's address, like https://127.0.0.1:3010")
    secret = claim.add_mutually_exclusive_group(required=True)
    secret.add_argument("--macaroon", type=Path, metavar="FILE", help="LND: a macaroon that may read and sign")
    secret.add_argument("--rune", type=Path, metavar="FILE", help="Core Lightning: a rune that may read and sign")
    claim.add_argument("--report-macaroon", type=Path, metavar="FILE", help="LND: the macaroon of later reports")
    claim.add_argument("--report-rune", type=Path, metavar="FILE", help="Core Lightning: the rune of later reports")
    claim.add_argument("--tls-cert", type=Path, required=True, metavar="FILE", help="tls.cert, or clnrest's server.pem")


def read_node_address(options: argparse.Namespace) -> tuple[NodeAddress, Path]:
    """The node with what opens it now, and what opens it later. Exits with 2 when the two are of different kinds."""
    kind: Implementation = "lnd" if options.lnd else "cln"
    secret, other = (
        (options.macaroon, options.report_rune) if kind == "lnd" else (options.rune, options.report_macaroon)
    )
    if secret is None or other is not None:
        options.usage.error(f"--{kind} goes with --{SECRETS[kind]} and --report-{SECRETS[kind]}")
    report_secret = (options.report_macaroon if kind == "lnd" else options.report_rune) or secret
    # Absolute: the service that reports later runs in another folder.
    address = NodeAddress(
        implementation=kind,
        url=normalise_url(options.lnd or options.cln),
        secret=secret.absolute(),
        tls_cert=options.tls_cert.absolute(),
    )
    return address, report_secret.absolute()


def claim_box(options: argparse.Namespace) -> int:
    node, report_secret = read_node_address(options)
    config = claim_home(
        options.home, options.claim, cloud=normalise_url(options.cloud), node=node, report_secret=report_secret
    )
    print(f"{options.home}: claimed for the node {config.pubkey} as device {config.device_id}")
    return 0


def report_once(options: argparse.Namespace) -> int:
    status = 0
    for home in options.homes:
        reporter = Reporter(home)
        try:
            print(f"{home}: {reporter.report()}", flush=True)
        except (OutsideError, OSError) as error:
            print(f"{home}: {error}", file=sys.stderr, flush=True)
            status = 1
        finally:
            reporter.close()
    return status


def run_until_stopped(options: argparse.Namespace) -> int:
    run_homes(options.homes, options.interval)
    return 0


def print_tokens(options: argparse.Namespace) -> int:
    config, key = read_config(options.home), read_device_key(options.home)
    with open_cloud(config.cloud) as door:
        tokens = Session(door, device_id=config.device_id, key=key).sign_in()
    print(json.dumps({"access": tokens.access, "refresh": tokens.refresh}))
    return 0


def parse_interval_s(text: str) -> float:
    interval_s = float(text)
    if not 1 <= interval_s <= MAX_INTERVAL_S:
        raise argparse.ArgumentTypeError(f"{text} is not between 1 second and a day")
    return interval_s


def start_log() -> None:
    """One line an event on stderr. The loggers of the libraries stay silent: theirs could show headers."""
    formatter = logging.Formatter("%(asctime)sZ %(levelname)s %(message)s", datefmt="%Y-%m-%dT%H:%M:%S")
    formatter.converter = time.gmtime
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(formatter)
    logger = logging.getLogger("nodes.agent")
    logger.handlers = [handler]
    logger.setLevel(logging.INFO)
    logger.propagate = False
