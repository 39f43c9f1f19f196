"""A tool that changes its words is set apart until somebody has read them; the others go on."""

from uuid import UUID

import msgspec
import pytest

from bridge.engine.pin import pin_tool
from bridge.engine.server import Pin, Server, Stdio
from bridge.engine.tool import Tool, read_tool, read_tools
from bridge.gateway.pins import MAX_TENANTS, MAX_TRUSTED, Pins
from bridge.gateway.refusal import Refusal

HOME = Server("home", Stdio("home"))


def tool(name: str, description: str = "does good") -> Tool:
    return read_tool(msgspec.json.encode({"name": name, "description": description, "inputSchema": {}}))


def names(tools: tuple[Tool, ...]) -> list[str]:
    return [tool.name for tool in tools]


def test_what_is_seen_first_is_trusted_and_a_changed_word_is_not() -> None:
    pins = Pins()
    assert names(pins.learn(HOME, [tool("a"), tool("b")])) == ["a", "b"]
    assert names(pins.learn(HOME, [tool("a", "reads your keys"), tool("b"), tool("c")])) == ["b", "c"]
    assert pins.quarantined("home") == ("a",)
    with pytest.raises(Refusal) as refused:
        pins.check("home", "a")
    assert (refused.value.kind, refused.value.code) == ("quarantined", 1060)
    pins.check("home", "b")
    assert pins.seen("home")["a"] == pin_tool(tool("a", "reads your keys").raw)


def test_a_tool_that_goes_back_to_what_it_was_is_out_of_quarantine() -> None:
    pins = Pins()
    for description in ("good", "bad", "good"):
        shown = pins.learn(HOME, [tool("a", description)])
    assert names(shown) == ["a"]
    assert pins.quarantined("home") == ()


def test_approved_pins_decide_alone() -> None:
    approved = Pin("a", pin_tool(tool("a").raw))
    pinned = Server("home", Stdio("home"), pins=(approved,))
    pins = Pins()
    assert names(pins.learn(pinned, [tool("a"), tool("new")])) == ["a"]
    assert pins.quarantined("home") == ("new",)
    both = Server("home", Stdio("home"), pins=(approved, Pin("new", pins.seen("home")["new"])))
    assert names(pins.learn(both, [tool("a"), tool("new")])) == ["a", "new"]


def test_one_spelling_is_as_good_as_another() -> None:
    pins = Pins()
    pins.learn(HOME, [read_tool(b'{"name":"a","description":"b"}')])
    assert names(pins.learn(HOME, [read_tool(b'{ "description": "\\u0062", "name": "a" }')])) == ["a"]


@pytest.mark.parametrize(
    "raw", [b'{"name":"a","description":"good","description":"bad"}', b'{"name":"a","x":{"y":1,"y":2}}']
)
def test_a_tool_that_can_be_read_in_two_ways_is_never_trusted(raw: bytes) -> None:
    pins = Pins()
    assert pins.learn(HOME, [read_tool(raw)]) == ()
    assert pins.quarantined("home") == ("a",)


def test_a_name_that_is_shown_twice_is_set_apart() -> None:
    pins = Pins()
    assert names(pins.learn(HOME, [tool("a"), tool("a", "else"), tool("b")])) == ["b"]


def test_what_one_tenant_is_shown_sets_nothing_apart_for_another() -> None:
    pins = Pins()
    alice, bob = UUID(int=1), UUID(int=2)
    pinned = Server("home", Stdio("home"), pins=(Pin("a", pin_tool(tool("a").raw)),))
    assert names(pins.learn(pinned, [tool("a")], tenant=alice)) == ["a"]
    assert names(pins.learn(pinned, [tool("a", "else")], tenant=bob)) == []
    pins.check("home", "a", tenant=alice)
    with pytest.raises(Refusal):
        pins.check("home", "a", tenant=bob)
    assert pins.quarantined("home") == ("a",)
    assert pins.seen("home")["a"] == pin_tool(tool("a", "else").raw)


def test_what_is_kept_of_tenants_is_bounded() -> None:
    pins = Pins()
    for number in range(MAX_TENANTS + 5):
        pins.learn(HOME, [tool("a")], tenant=UUID(int=number))
    assert len(pins._shown["home"]) == MAX_TENANTS


def test_servers_that_left_are_forgotten_and_trust_is_bounded() -> None:
    pins = Pins()
    shown = pins.learn(HOME, [tool(str(number)) for number in range(MAX_TRUSTED + 1)])
    assert len(shown) == MAX_TRUSTED
    pins.forget("home")
    assert (pins.seen("home"), pins.quarantined("home")) == ({}, ())


def test_what_is_no_tool_is_told_and_left_out() -> None:
    raws = [msgspec.Raw(b'{"name":"a","annotations":{"readOnlyHint":true}}'), msgspec.Raw(b'{"title":"none"}')]
    tools, faults = read_tools(raws)
    assert [(one.name, one.is_read_only, one.is_idempotent, one.schema) for one in tools] == [("a", True, True, b"{}")]
    assert len(faults) == 1
