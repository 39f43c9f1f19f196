"""One box with everything real: web process, agent and simulated node, each of which can be killed and comes back."""

import datetime as dt
import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import msgspec
from django.utils import timezone

from nodes.agent.command import main
from nodes.agent.config import read_config
from nodes.models.action import Action
from nodes.models.channel import Channel
from nodes.pipeline.action import approve_action
from nodes.simulator.faults.plan import Fault, write_faults
from nodes.simulator.home import open_home
from nodes.simulator.world import load_world
from tenants.context import TenantRef, enter_tenant
from tenants.models.dazbox import Dazbox
from tenants.provisioning.claim import ClaimTerms, create_claims
from tenants.selectors import refer_to
from tests.committed import ROOT, child_environment
from tests.fakes.simulated_fleet import Fleet, run_simulator, serve_fleet
from tests.fakes.tripwire import Tripwire
from tests.faults.embedded_instance import eventually
from tests.faults.web_process import WebProcess


@dataclass
class Instance:
    folder: Path
    web: WebProcess
    wire: Tripwire
    node: ExitStack = field(default_factory=ExitStack)
    fleet: Fleet | None = None
    tenant: TenantRef | None = None

    @property
    def home(self) -> Path:
        return self.folder / "agent"

    def start_node(self) -> Fleet:
        """After a kill on the same port, with the world as it was saved last."""
        self.node.close()
        places = (self.folder / "world", self.folder / "nodes", self.folder / "ready.json")
        self.fleet = self.node.enter_context(serve_fleet(*places, "--faults"))
        return self.fleet

    def start_web(self) -> None:
        self.web.kill()
        self.web = start_web(self.folder)
        self.web.await_answers()
        self.wire.upstream = self.web.url

    def kill_web(self) -> None:
        self.web.kill()

    @contextmanager
    def agent(self) -> Iterator[subprocess.Popen[bytes]]:
        command = [sys.executable, "-m", "nodes.agent", "run", "--interval", "1", str(self.home)]
        with (self.folder / "agent.log").open("ab") as log, subprocess.Popen(command, cwd=ROOT, stderr=log) as process:
            try:
                yield process
            finally:
                process.kill()

    @contextmanager
    def worker(self) -> Iterator[subprocess.Popen[bytes]]:
        """One job that writes to the node from the cloud."""
        assert self.fleet is not None
        assert self.tenant is not None
        ready = self.fleet.ready[0]
        places = [str(self.tenant.id), ready["url"], ready["macaroon"], ready["tls_cert"]]
        command = [sys.executable, "-m", "tests.faults.apply_process", *places]
        environment = child_environment(DJANGO_SETTINGS_MODULE="mcp_saas.settings.test")
        with (self.folder / "worker.log").open("ab") as log:
            output = {"stdout": log, "stderr": log}
            with subprocess.Popen(command, cwd=ROOT, env=environment, **output) as process:  # type: ignore[call-overload]
                try:
                    yield process
                finally:
                    process.kill()

    def fail_at_node(self, *faults: Fault) -> None:
        world = load_world(self.folder / "world")
        write_faults(open_home(self.folder / "nodes", world.fleet[0].pubkey).faults, *faults)

    def count_updates(self, action: Action) -> int:
        """How often the node was told a policy of this channel."""
        world = load_world(self.folder / "world")
        pubkey = world.fleet[0].pubkey
        found = [one for one in world.channels_of(pubkey) if format_scid(one.channel_id) == action.short_channel_id]
        return found[0].seen_by(pubkey)[0].policy_updates

    def has_intent(self, action: Action) -> bool:
        with suppress(FileNotFoundError, ValueError):
            return str(action.id) in json.loads((self.home / "actions.json").read_bytes())["begun"]
        return False

    def state_of(self, action: Action) -> str:
        with self.inside():
            return str(Action.objects.values_list("state", flat=True).get(id=action.id))

    @contextmanager
    def inside(self) -> Iterator[None]:
        assert self.tenant is not None
        with enter_tenant(self.tenant):
            yield

    def approve_change(self, number: int) -> Action:
        """A new fee for one of the channels, approved. What dead agents asked for is over: they would be given it."""
        assert eventually(lambda: self.wire.is_quiet)
        with self.inside():
            rows = [row for row in Channel.objects.order_by("id") if row.state.own_policy and not row.state.private]
            row = rows[number % len(rows)]
            present: Any = row.state.own_policy
            now = timezone.now()
            action = Action.objects.create(
                channel_digest=row.digest,
                short_channel_id=row.state.short_channel_id,
                created_at=now,
                expires_at=now + dt.timedelta(hours=1),
                policy=msgspec.structs.replace(present, fee_rate_ppm=present.fee_rate_ppm + 1),
                expected_policy=present,
                why="for the test",
            )
            return approve_action(action, actor="test")


def start_web(folder: Path) -> WebProcess:
    with (folder / "web.log").open("ab") as log:
        return WebProcess(log=log)


def format_scid(channel_id: int) -> str:
    return f"{channel_id >> 40}x{channel_id >> 16 & 0xFFFFFF}x{channel_id & 0xFFFF}"


@contextmanager
def acting_instance(folder: Path, *, implementation: Literal["lnd", "cln"] = "lnd") -> Iterator[Instance]:
    """Claimed and reported once."""
    kind = ("--cln", 1) if implementation == "cln" else ()
    done = run_simulator("make", "--fleet", 1, *kind, "--world", folder / "world", "--graph-out", folder / "graph.json")
    assert done.returncode == 0, done.stderr
    web = start_web(folder)
    with ExitStack() as stack:
        wire = stack.enter_context(Tripwire(web.url))
        instance = Instance(folder, web, wire)
        stack.callback(instance.kill_web)
        stack.enter_context(instance.node)
        ready = instance.start_node().ready[0]
        instance.web.await_answers()
        claim(instance, ready)
        assert main(["report", str(instance.home)]) == 0
        yield instance


def claim(instance: Instance, ready: dict[str, Any]) -> None:
    [new] = create_claims(1, ClaimTerms(label="test", expires_in=dt.timedelta(days=1)), created_by="test")
    is_lnd = ready["implementation"] == "lnd"
    node = ["--lnd", ready["url"], "--macaroon", ready["macaroon"]]
    node = node if is_lnd else ["--cln", ready["url"], "--rune", ready["rune"]]
    address = ["--cloud", instance.wire.url, "--claim", new.code, "--tls-cert", ready["tls_cert"]]
    assert main(["claim", "--home", str(instance.home), *address, *node]) == 0
    dazboxes = Dazbox.objects.filter(pubkey=read_config(instance.home).pubkey)
    dazboxes.update(plan="hub")  # it reports each second
    instance.tenant = refer_to(dazboxes.get())


def settles(instance: Instance, action: Action) -> bool:
    return eventually(lambda: instance.state_of(action) == "confirmed", seconds=90)
