"""An assistant's file sent as it is becomes servers; a preset needs nothing but its values."""

from bridge.catalogue.models import McpServer
from bridge.engine.mcp_json import read_mcp_json
from bridge.engine.presets import PRESETS
from bridge.engine.server import Http
from bridge.manager.catalogue import approve_tools, check_server
from bridge.selectors.catalogue import find_row, read_server
from tests.api.problem import assert_problem
from tests.conftest import ApiClient

IMPORT = "/api/v1/mcp/import"
FILE = """{"mcpServers": {
  "time": {"command": "uvx", "args": ["mcp-server-time"], "autoApprove": ["x"]},
  "search": {"command": "npx", "env": {"KEY": "${SEARCH_KEY}"}},  // mine
}}"""


def test_a_server_that_lacks_a_value_is_left_out_and_told(api: ApiClient, operator: str) -> None:
    answer = api.post(IMPORT, {"content": FILE}, token=operator)
    assert (answer.status, answer.json["added"]) == (200, ["time"])
    [lack] = answer.json["lacks"]
    assert (lack["server"], lack["variable"], lack["pointer"]) == ("search", "SEARCH_KEY", "/mcpServers/search/env/KEY")
    assert [note["pointer"] for note in answer.json["notes"]] == ["/mcpServers/time/autoApprove"]
    again = api.post(IMPORT, {"content": FILE, "values": {"SEARCH_KEY": "k"}}, token=operator)
    assert (again.json["added"], again.json["unchanged"], again.json["lacks"]) == (["search"], ["time"], [])


def test_a_trial_changes_nothing(api: ApiClient, operator: str) -> None:
    assert api.post(IMPORT, {"content": FILE, "is_trial": True}, token=operator).json["added"] == ["time"]
    assert not McpServer.objects.exists()


def test_a_name_that_is_there_is_not_replaced_unasked_and_the_others_are_imported(
    api: ApiClient, operator: str, echo: McpServer
) -> None:
    file = '{"mcpServers": {"new": {"command": "x"}, "echo": {"command": "x", "disabled": true}}}'
    before = read_server(find_row("echo"))
    done = api.post(IMPORT, {"content": file}, token=operator).json
    kept = [{"name": "echo", "differs": ["transport", "should_run"]}]
    assert (done["added"], done["replaced"], done["kept"]) == (["new"], [], kept)
    assert read_server(find_row("echo")) == before
    done = api.post(IMPORT, {"content": file, "replaces": True}, token=operator).json
    assert (done["replaced"], done["unchanged"], done["kept"]) == (["echo"], ["new"], [])
    assert not find_row("echo").should_run


def test_what_was_approved_of_a_server_makes_it_no_other(api: ApiClient, operator: str) -> None:
    api.post(IMPORT, {"content": FILE}, token=operator)
    approve_tools("time", {"now": "ab" * 32}, actor="test")
    revision = find_row("time").revision
    done = api.post(IMPORT, {"content": FILE, "replaces": True}, token=operator).json
    assert (done["unchanged"], find_row("time").revision) == (["time"], revision)


def test_a_server_that_may_not_be_is_refused_by_its_name(api: ApiClient, operator: str) -> None:
    file = '{"mcpServers": {"good": {"command": "x"}, "near": {"url": "https://127.0.0.1/mcp"}}}'
    answer = api.post(IMPORT, {"content": file}, token=operator)
    assert_problem(answer, 400)
    assert answer.json["errors"][0]["detail"].startswith("near: ")
    assert not McpServer.objects.exists()


def test_a_wrong_file_is_refused_with_the_place(api: ApiClient, operator: str) -> None:
    answer = api.post(IMPORT, {"content": '{"mcpServers": {"a": {"args": []}}}'}, token=operator)
    assert (answer.status, answer.json["errors"][0]["pointer"]) == (400, "/mcpServers/a")


def test_every_preset_is_a_server_once_its_values_are_given() -> None:
    for preset in PRESETS:
        values = {value.variable: "https://ha.example.com" for value in preset.values}
        found = read_mcp_json(preset.content, values)
        assert (found.lacks, found.notes) == ((), ()), preset.name
        [server] = found.servers
        assert server.name == preset.name
        check_server(server)


def test_home_assistant_is_one_import_away(api: ApiClient, operator: str) -> None:
    presets = api.get("/api/v1/mcp/presets", token=operator, **{"Accept-Language": "fr"}).json["items"]
    home = next(preset for preset in presets if preset["name"] == "home-assistant")
    assert "jeton" in home["description"]
    values = {"HOME_ASSISTANT_URL": "http://192.168.1.4:8123", "HOME_ASSISTANT_TOKEN": "t"}
    assert api.post(IMPORT, {"content": home["content"], "values": values}, token=operator).status == 200
    expected = Http("http://192.168.1.4:8123/api/mcp", bearer="t", is_trusted=True)
    assert read_server(find_row("home-assistant")).transport == expected
