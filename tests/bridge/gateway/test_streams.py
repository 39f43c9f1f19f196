"""What is told without being asked: over a WebSocket, as events, and to sessions that lost their stream."""

import json
import threading

import httpx
from websockets.sync.client import connect

from tests.bridge.gateway.running import Running

ACCEPT = {"accept": "application/json, text/event-stream"}


def test_many_calls_share_a_websocket_and_servers_ask_over_it(gateway: Running) -> None:
    with connect(gateway.base.replace("http", "ws") + "/mcp/ws") as socket:
        for index in range(5):
            call = {"name": "echo__echo", "arguments": {"text": str(index)}}
            socket.send(json.dumps({"jsonrpc": "2.0", "id": index, "method": "tools/call", "params": call}))
        told = read_answers(socket, 5)
        assert {index: told[index]["result"]["content"][0]["text"] for index in range(5)} == {
            index: str(index) for index in range(5)
        }
        call = {"name": "legacy__test_elicitation", "arguments": {"message": "sure?"}}
        socket.send(json.dumps({"jsonrpc": "2.0", "id": "ask", "method": "tools/call", "params": call}))
        messages = (json.loads(socket.recv(timeout=60)) for _ in range(100))
        asked = next(message for message in messages if message["method"] == "elicitation/create")
        answer = {"action": "accept", "content": {"response": "yes"}}
        socket.send(json.dumps({"jsonrpc": "2.0", "id": asked["id"], "result": answer}))
        assert "yes" in read_answers(socket, 1)["ask"]["result"]["content"][0]["text"]


def read_answers(socket: object, count: int) -> dict[object, dict]:  # type: ignore[type-arg]
    answers: dict[object, dict] = {}  # type: ignore[type-arg]
    while len(answers) < count:
        message = json.loads(socket.recv(timeout=60))  # type: ignore[attr-defined]
        if "id" in message and "method" not in message:
            answers[message["id"]] = message
    return answers


def test_a_message_that_is_none_is_refused_and_the_websocket_goes_on(gateway: Running) -> None:
    with connect(gateway.base.replace("http", "ws") + "/mcp/ws") as socket:
        socket.send("no json")
        assert read_answers(socket, 1)[None]["error"]["code"] == -32700
        socket.send(json.dumps({"jsonrpc": "2.0", "id": 1, "method": "nothing/known"}))
        assert read_answers(socket, 1)[1]["error"]["code"] == -32601


def test_a_changed_list_is_told_as_an_event(gateway: Running) -> None:
    with httpx.stream("GET", f"{gateway.base}/mcp/events", timeout=60) as events:
        lines = events.iter_lines()
        assert next(lines) == "event: dazbox/condition"
        body = {"name": "modern__test_trigger_tool_change"}
        changing = threading.Thread(target=httpx.post, args=(f"{gateway.base}/mcp/tools/call",), kwargs={"json": body})
        changing.start()
        for line in lines:
            if line == "event: tools/list_changed":
                assert json.loads(next(lines).removeprefix("data: ")) == {"server": "modern", "params": {}}
                break
        changing.join()


def test_a_session_that_lost_its_stream_is_told_the_rest_of_it(gateway: Running) -> None:
    url = gateway.url("modern")
    with httpx.Client(timeout=60, headers=ACCEPT) as client:
        hello = {"protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": {"name": "test", "version": "1"}}
        begun = client.post(url, json={"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": hello})
        session = {"mcp-session-id": begun.headers["mcp-session-id"]}
        call = {"name": "test_tool_with_progress", "arguments": {}, "_meta": {"progressToken": "t"}}
        message = {"jsonrpc": "2.0", "id": 2, "method": "tools/call", "params": call}
        with client.stream("POST", url, json=message, headers=session) as lost:
            last = next(line for line in lost.iter_lines() if line.startswith("id: ")).removeprefix("id: ")
        with client.stream("GET", url, headers=session | {"last-event-id": last}) as rest:
            told = [json.loads(line.removeprefix("data: ")) for line in rest.iter_lines() if line.startswith("data: {")]
        assert told[-1]["id"] == 2
        assert told[-1]["result"]["content"][0]["text"] != ""
        assert client.delete(url, headers=session).status_code == 200
        ping = {"jsonrpc": "2.0", "id": 3, "method": "ping"}
        assert client.post(url, json=ping, headers=session).status_code == 404


def test_an_id_of_a_session_opens_that_session_alone(gateway: Running) -> None:
    """It is sealed: a changed one opens nothing, nor does it open another server."""
    url = gateway.url("echo")
    hello = {"protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": {"name": "test", "version": "1"}}
    with httpx.Client(timeout=60, headers=ACCEPT) as client:
        begun = client.post(url, json={"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": hello})
        session = begun.headers["mcp-session-id"]
        ping = {"jsonrpc": "2.0", "id": 3, "method": "ping"}
        assert client.post(url, json=ping, headers={"mcp-session-id": session}).status_code == 200
        changed = ("A" if session[0] != "A" else "B") + session[1:]
        assert client.post(url, json=ping, headers={"mcp-session-id": changed}).status_code == 404
        elsewhere = client.post(gateway.url("modern"), json=ping, headers={"mcp-session-id": session})
        assert elsewhere.status_code == 404
