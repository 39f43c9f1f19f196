"""How connections to a server are shared, kept and let go, as a running gateway does it with real children."""

import json
import os
import signal
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import psutil
import pytest

from tests.bridge.gateway.asking import OlderClient, call, call_beside, call_text, is_gone, pids, see
from tests.bridge.gateway.running import Running, child, running, wait_for

pytestmark = pytest.mark.fault


def faulty(**pool: Any) -> dict[str, dict[str, object]]:
    return {"one": child("faulty.py", dazbox={"pool": pool})}


def in_flight(gateway: Running) -> list[int]:
    return [connection["in_flight"] for connection in see(gateway, "one")["connections"]]


def test_all_share_one_child_and_nobody_waits_for_another(tmp_path: Path) -> None:
    with running(tmp_path, faulty()) as gateway, ThreadPoolExecutor(8) as pool:
        hanging = [call_beside(pool, gateway, "one__hang") for _ in range(8)]
        wait_for(lambda: in_flight(gateway) == [8], what="eight calls under way")
        assert call_text(gateway, "one__echo", text="meanwhile") == "meanwhile"
        assert call_text(gateway, "one__release") == "8"
        assert [one.result().status_code for one in hanging] == [200] * 8
        wait_for(lambda: len(pids(gateway, "one")) == 1, what="one child")


def test_of_several_children_the_least_busy_is_taken(tmp_path: Path) -> None:
    with running(tmp_path, faulty(policy="several", size=3)) as gateway, ThreadPoolExecutor(6) as pool:
        wait_for(lambda: len(set(pids(gateway, "one"))) == 3, what="three children")
        hanging = []
        for number in range(6):
            hanging.append(call_beside(pool, gateway, "one__hang"))
            wait_for(lambda number=number: sum(in_flight(gateway)) == number + 1, what="one more under way")
        wait_for(lambda: in_flight(gateway) == [2, 2, 2], what="an even load")
        for pid in pids(gateway, "one"):
            os.kill(pid, signal.SIGKILL)
        assert {one.result().status_code for one in hanging} == {502}


def test_several_that_were_let_go_come_back_when_there_is_work_for_them(tmp_path: Path) -> None:
    servers = faulty(policy="several", size=2, warm=False)
    with running(tmp_path, servers) as gateway, ThreadPoolExecutor(2) as pool:
        hanging = [call_beside(pool, gateway, "one__hang") for _ in range(2)]
        wait_for(lambda: sum(in_flight(gateway)) == 2, what="two calls under way")
        wait_for(lambda: call_text(gateway, "one__pid") and len(pids(gateway, "one")) == 2, what="a second child")
        for pid in pids(gateway, "one"):
            os.kill(pid, signal.SIGKILL)
        assert {one.result().status_code for one in hanging} == {502}


def test_each_session_has_a_child_of_its_own_that_ends_with_it(tmp_path: Path) -> None:
    with running(tmp_path, faulty(policy="per_session")) as gateway:
        ann, bob = OlderClient(gateway, "one"), OlderClient(gateway, "one")
        own, other = int(ann.call("pid")), int(bob.call("pid"))
        assert own != other
        assert int(ann.call("pid")) == own
        ann.leave()
        wait_for(lambda: is_gone(own), what="the end of the child of the session that ended")
        assert int(bob.call("pid")) == other
        bob.leave()


def test_one_that_is_idle_is_stopped_and_started_by_the_next_call(tmp_path: Path) -> None:
    with running(tmp_path, faulty(idle_stop_s=1)) as gateway:
        first = int(call_text(gateway, "one__pid"))
        wait_for(lambda: is_gone(first), what="its end")
        assert int(call_text(gateway, "one__pid")) != first


def test_one_that_has_lived_its_time_is_replaced_and_finishes_its_calls(tmp_path: Path) -> None:
    done = tmp_path / "done"
    with running(tmp_path, faulty(max_life_s=10)) as gateway, ThreadPoolExecutor(1) as pool:
        first = int(call_text(gateway, "one__pid"))
        slow = call_beside(pool, gateway, "one__wait", until=str(done))
        wait_for(lambda: pids(gateway, "one") not in ([], [first]), what="another child")
        assert int(call_text(gateway, "one__pid")) != first
        assert not is_gone(first)
        done.touch()
        assert slow.result().json()["content"][0]["text"] == "waited"
        wait_for(lambda: is_gone(first), what="the end of the old one")


@pytest.mark.parametrize("warm", [True, False])
def test_one_that_is_kept_warm_is_there_before_the_first_call(tmp_path: Path, warm: bool) -> None:
    with running(tmp_path, faulty(warm=warm)) as gateway:
        wait_for(lambda: (len(pids(gateway, "one")) == 1) == warm, what="its state before any call")
        assert call_text(gateway, "one__echo", text="hello") == "hello"
        wait_for(lambda: len(pids(gateway, "one")) == 1, what="one child")


def test_an_idle_one_that_answers_no_ping_is_started_anew(tmp_path: Path) -> None:
    with running(tmp_path, faulty(probe_s=1)) as gateway:
        first = int(call_text(gateway, "one__pid"))
        psutil.Process(first).suspend()
        wait_for(lambda: see(gateway, "one")["condition"] == "degraded", what="that it is silent is told")
        wait_for(lambda: is_gone(first), what="its end")
        assert int(call_text(gateway, "one__pid")) != first


def test_one_that_answers_nothing_is_started_anew_while_calls_keep_coming(tmp_path: Path) -> None:
    with running(tmp_path, faulty()) as gateway:
        first = int(call_text(gateway, "one__pid"))
        psutil.Process(first).suspend()
        told = [call(gateway, "one__echo", timeout_s=1, text="is anybody there?")]

        def is_answered() -> bool:
            told.append(call(gateway, "one__echo", timeout_s=1, text="is anybody there?"))
            return told[-1].status_code == 200

        wait_for(is_answered, what="an answer")
        assert told[0].status_code == 504
        assert {one.status_code for one in told} <= {200, 502, 504}
        wait_for(lambda: is_gone(first), what="its end")


def test_one_that_cannot_start_is_tried_later_and_later_until_it_can(tmp_path: Path) -> None:
    script = tmp_path / "late.py"
    with running(tmp_path, {"one": child(str(script)), "echo": child("fast_echo.py")}) as gateway:
        wait_for(lambda: see(gateway, "one")["condition"] == "backoff", what="that it waits is told")
        script.write_text((Path(__file__).parents[1] / "children/fast_echo.py").read_text(), encoding="utf-8")
        wait_for(lambda: call(gateway, "one__pid").status_code == 200, what="its first answer")
        assert call_text(gateway, "one__echo", text="now") == "now"


def test_a_crash_loop_is_left_alone_and_everybody_else_goes_on(tmp_path: Path) -> None:
    script = tmp_path / "brief.py"
    script.write_text(f"open({str(tmp_path / 'starts')!r}, 'a').write('x')", encoding="utf-8")
    with running(tmp_path, {"one": child(str(script)), "echo": child("fast_echo.py")}) as gateway:
        wait_for(lambda: see(gateway, "one")["condition"] == "crash_loop", what="that it loops is told")
        starts = len((tmp_path / "starts").read_text())
        for _ in range(20):
            refused = call(gateway, "one__pid")
            assert (refused.status_code, refused.json()["type"].endswith("/upstream-away")) == (502, True)
            assert call_text(gateway, "echo__echo", text="on") == "on"
        assert len((tmp_path / "starts").read_text()) == starts
        assert starts <= 2 * 7  # each start may be two: with the newer handshake and with the older


def test_one_that_serves_is_started_at_once_however_often_it_is_killed(tmp_path: Path) -> None:
    with running(tmp_path, faulty()) as gateway:
        seen = set()
        for _ in range(8):
            pid = int(call_text(gateway, "one__pid"))
            seen.add(pid)
            os.kill(pid, signal.SIGKILL)
            wait_for(lambda pid=pid: pid not in pids(gateway, "one"), what="its end is known")
        assert call_text(gateway, "one__echo", text="on") == "on"
        assert len(seen) == 8
        wait_for(lambda: see(gateway, "one")["connections"][0]["restarts"] == 8, what="its restarts are told")


def test_a_server_that_hangs_is_left_alone_for_a_while_and_tried_again(tmp_path: Path) -> None:
    with running(tmp_path, faulty()) as gateway:
        for _ in range(5):
            assert call(gateway, "one__hang", timeout_s=0.1).status_code == 504
        refused = call(gateway, "one__hang")
        assert (refused.status_code, "left alone" in refused.text) == (502, True)
        wait_for(lambda: see(gateway, "one")["breaker"] == "open", what="that nobody is sent there is told")
        wait_for(lambda: see(gateway, "one")["breaker"] == "half_open", what="that it may be tried")
        assert call(gateway, "one__hang", timeout_s=0.1).status_code == 504
        assert "left alone" in call(gateway, "one__hang").text
        wait_for(lambda: call(gateway, "one__echo", text="now").status_code == 200, what="the next try")
        _, held = json.loads(call_text(gateway, "one__cancelled"))
        assert len(held) == 6, "those that were refused never reached it"
        wait_for(lambda: see(gateway, "one")["breaker"] == "closed", what="that all is well is told")
