"""kill -9 of agent, node, web and worker at every step of an action: resumed, it is written once, and confirmed.

The simulated node counts the updates it is sent. KILL_ROUNDS=50 makes it fifty kills.
"""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from psycopg import sql

from nodes.models.action import Action
from nodes.models.journal import JournalEntry
from nodes.selectors.chain import verify_chain
from nodes.simulator.faults.plan import Fault
from tests.committed import execute_as_owner, find_blocked, other_session
from tests.fakes.json_server import PATIENCE_S
from tests.fakes.tripwire import When
from tests.faults.acting_instance import Instance, acting_instance, settles
from tests.faults.embedded_instance import eventually

pytestmark = pytest.mark.fault
ROUNDS = int(os.environ.get("KILL_ROUNDS", "5"))  # noqa: TID251 - how long the test may take
Strike = Callable[[Instance, Action], None]
GATE = 4713
MAKE_GATE = """
CREATE FUNCTION {schema}.wait_at_gate() RETURNS trigger LANGUAGE plpgsql AS
    $$ BEGIN PERFORM pg_advisory_xact_lock_shared(4713); RETURN NULL; END $$;
CREATE TRIGGER gate AFTER UPDATE ON {schema}.nodes_action FOR EACH ROW WHEN ({condition})
    EXECUTE FUNCTION {schema}.wait_at_gate();
"""


def agent_at_cloud(method: str, ending: str, when: When) -> Strike:
    """The agent is killed while the cloud is asked, or has done it and not answered yet."""

    def strike(instance: Instance, action: Action) -> None:
        instance.wire.arm(method, ending, when)
        with instance.agent() as agent:
            assert instance.wire.sprung.wait(PATIENCE_S)
            agent.kill()
            agent.wait()
        instance.wire.release()

    return strike


def agent_at_node(fault: Fault, *, is_written: bool) -> Strike:
    """The agent is killed while its node hangs."""

    def strike(instance: Instance, action: Action) -> None:
        before = instance.count_updates(action)
        instance.fail_at_node(fault)
        with instance.agent() as agent:
            assert eventually(lambda: instance.has_intent(action))
            assert eventually(lambda: instance.count_updates(action) == before + is_written)
            agent.kill()
            agent.wait()
        instance.fail_at_node()

    return strike


def node_at_write(fault: Fault) -> Strike:
    """The node is killed, and the agent goes on by itself."""

    def strike(instance: Instance, action: Action) -> None:
        instance.fail_at_node(fault)
        with instance.agent():
            assert instance.fleet is not None
            instance.fleet.process.wait(PATIENCE_S)
            instance.fail_at_node()
            instance.start_node()
            assert settles(instance, action)

    return strike


def web_before_commit(method: str, ending: str) -> Strike:
    """The web process is killed when all is done but the last line of the journal."""

    def strike(instance: Instance, action: Action) -> None:
        instance.wire.arm(method, ending, "before")
        with instance.agent() as agent:
            assert instance.wire.sprung.wait(PATIENCE_S)
            with closed_journal(instance) as is_reached:
                instance.wire.release(drops=False)
                assert eventually(is_reached)
                instance.web.kill()
            agent.kill()
        instance.start_web()

    return strike


def web_after_commit(method: str, ending: str) -> Strike:
    """The web process is killed when it has committed, and nobody hears the answer."""

    def strike(instance: Instance, action: Action) -> None:
        instance.wire.arm(method, ending, "after")
        with instance.agent() as agent:
            assert instance.wire.sprung.wait(PATIENCE_S)
            instance.web.kill()
            instance.wire.release()
            agent.kill()
        instance.start_web()

    return strike


def worker_at_node(fault: Fault, *, is_written: bool) -> Strike:
    """The worker that writes from the cloud is killed while the node hangs; the next one goes on."""

    def strike(instance: Instance, action: Action) -> None:
        before = instance.count_updates(action)
        instance.fail_at_node(fault)
        with instance.worker() as worker:
            assert eventually(lambda: instance.state_of(action) == "sent")
            assert eventually(lambda: instance.count_updates(action) == before + is_written)
            worker.kill()
            worker.wait()
        instance.fail_at_node()
        work_on(instance)

    return strike


def worker_before_commit(gate: str) -> Strike:
    """The worker is killed when it has handed over, or written, and the database does not know it yet."""

    def strike(instance: Instance, action: Action) -> None:
        with closed_gate(instance, gate) as is_reached, instance.worker() as worker:
            assert eventually(is_reached)
            worker.kill()
            worker.wait()
        work_on(instance)

    return strike


def work_on(instance: Instance) -> None:
    with instance.worker() as worker:
        assert worker.wait(PATIENCE_S) == 0


@contextmanager
def closed_gate(instance: Instance, condition: str) -> Iterator[Callable[[], bool]]:
    """Whoever changes an action to what the condition says waits in the middle of its transaction."""
    assert instance.tenant is not None
    names = {"schema": sql.Identifier(instance.tenant.schema_name), "condition": sql.SQL(condition)}
    with other_session() as session:
        session.execute("SELECT pg_advisory_lock(%s)", [GATE])
        with session.transaction():
            execute_as_owner(session, sql.SQL(MAKE_GATE).format(**names))
        try:
            yield lambda: find_blocked(session) != []
        finally:
            session.execute("SELECT pg_advisory_unlock(%s)", [GATE])
            assert eventually(lambda: find_blocked(session) == [])
            with session.transaction():
                execute_as_owner(session, sql.SQL("DROP FUNCTION {schema}.wait_at_gate CASCADE").format(**names))


@contextmanager
def closed_journal(instance: Instance) -> Iterator[Callable[[], bool]]:
    """Whoever would write in it waits."""
    assert instance.tenant is not None
    lock = sql.SQL("LOCK TABLE {}.nodes_journallink IN SHARE MODE")
    with other_session() as session, session.transaction():
        execute_as_owner(session, lock.format(sql.Identifier(instance.tenant.schema_name)))
        yield lambda: find_blocked(session) != []


STEPS: dict[str, Strike] = {
    "agent, before it fetches": agent_at_cloud("GET", "/actions", "before"),
    "agent, after the cloud handed over": agent_at_cloud("GET", "/actions", "after"),
    "agent, after the intent": agent_at_node(Fault(kind="timeout", path="/v1/graph/edge"), is_written=False),
    "agent, in the write": agent_at_node(Fault(kind="lost", path="/v1/chanpolicy"), is_written=True),
    "agent, after the write, before the report": agent_at_cloud("POST", "/result", "before"),
    "agent, after the report": agent_at_cloud("POST", "/result", "after"),
    "node, before the write": node_at_write(Fault(kind="die-before", path="/v1/chanpolicy", times=1)),
    "node, after the write": node_at_write(Fault(kind="die-after", path="/v1/chanpolicy", times=1)),
    "web, before the hand-over is committed": web_before_commit("GET", "/actions"),
    "web, after the hand-over is committed": web_after_commit("GET", "/actions"),
    "web, before the result is committed": web_before_commit("POST", "/result"),
    "web, after the result is committed": web_after_commit("POST", "/result"),
    "worker, before the hand-over is committed": worker_before_commit("NEW.state = 'sent' AND OLD.state = 'approved'"),
    "worker, before the write": worker_at_node(Fault(kind="timeout", path="/v1/graph/edge"), is_written=False),
    "worker, in the write": worker_at_node(Fault(kind="lost", path="/v1/chanpolicy"), is_written=True),
    "worker, before the result is committed": worker_before_commit("NEW.reported_at IS NOT NULL"),
}


def choose_steps() -> list[str]:
    """Few rounds take steps from all over the life; many take all in turn."""
    names = list(STEPS)
    stride = max(1, len(names) // ROUNDS) if len(names) > ROUNDS else 1
    return [names[number * stride % len(names)] for number in range(ROUNDS)]


@pytest.mark.timeout(60 + 90 * ROUNDS)
def test_killed_at_any_step_an_action_is_written_once_and_confirmed(committed_db: None, tmp_path: Path) -> None:
    with acting_instance(tmp_path) as instance:
        for number, step in enumerate(choose_steps()):
            action = instance.approve_change(number)
            before = instance.count_updates(action)
            STEPS[step](instance, action)
            with instance.agent():
                assert settles(instance, action), f"{step}: {instance.state_of(action)}"
                assert eventually(lambda action=action: not instance.has_intent(action)), step  # type: ignore[misc]
            assert instance.count_updates(action) == before + 1, step
        with instance.inside():
            assert set(Action.objects.values_list("state", flat=True)) == {"confirmed"}
            assert verify_chain().fault is None
            lines = [entry.detail.facts for entry in JournalEntry.objects.filter(kind="action")]
            assert len([facts for facts in lines if facts.get("verified")]) == ROUNDS


CLN_STEPS: dict[str, Strike] = {
    "nothing is killed": lambda _instance, _action: None,
    "agent, after the intent": agent_at_node(Fault(kind="timeout", path="/v1/setchannel"), is_written=False),
    "agent, in the write": agent_at_node(Fault(kind="lost", path="/v1/setchannel"), is_written=True),
    "agent, after the write, before the report": agent_at_cloud("POST", "/result", "before"),
    "node, before the write": node_at_write(Fault(kind="die-before", path="/v1/setchannel", times=1)),
    "node, after the write": node_at_write(Fault(kind="die-after", path="/v1/setchannel", times=1)),
}


@pytest.mark.timeout(60 + 90 * len(CLN_STEPS))
def test_beside_core_lightning_too_an_action_is_written_once_and_confirmed(committed_db: None, tmp_path: Path) -> None:
    with acting_instance(tmp_path, implementation="cln") as instance:
        steps = list(CLN_STEPS.items())[:: 1 if len(CLN_STEPS) <= ROUNDS else 2]
        for number, (step, strike) in enumerate(steps):
            action = instance.approve_change(number)
            before = instance.count_updates(action)
            strike(instance, action)
            with instance.agent():
                assert settles(instance, action), f"{step}: {instance.state_of(action)}"
                assert eventually(lambda action=action: not instance.has_intent(action)), step  # type: ignore[misc]
            assert instance.count_updates(action) == before + 1, step
