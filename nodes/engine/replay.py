"""Runs and their decisions as bytes, and the proof that one follows from the other.

Canonical MessagePack: fields in the order of their declaration, dictionaries sorted by key, instants in UTC. Equal
values are equal bytes, whatever their time zone or the order they were built in.
"""

from collections.abc import Sequence
from typing import Any, TypeVar

import msgspec

from nodes.engine.cycle import ChannelInput, CycleInput
from nodes.engine.decision import decide_node
from nodes.engine.types import ChannelDecision
from nodes.engine.version import ENGINE_VERSION

T = TypeVar("T")
_encoder = msgspec.msgpack.Encoder(order="deterministic")
_decoders: dict[type, Any] = {
    shape: msgspec.msgpack.Decoder(shape) for shape in (CycleInput, ChannelInput, ChannelDecision)
}


class EngineVersionError(ValueError):
    """The run was made by another version of the engine, so this one can neither confirm nor deny it."""


def encode(value: CycleInput | ChannelInput | ChannelDecision) -> bytes:
    return _encoder.encode(value)


def decode(encoded: bytes, shape: type[T]) -> T:
    """Raises msgspec.DecodeError (or its ValidationError, naming the field) when the bytes are not a valid `shape`."""
    value: T = _decoders[shape].decode(encoded)
    return value


def replay_run(
    encoded_cycle: bytes, encoded_inputs: Sequence[bytes], *, encoded_decisions: Sequence[bytes]
) -> list[bool]:
    """Whether deciding again from the stored run gives each stored decision, byte for byte; in the order of the inputs.

    Raises EngineVersionError when the run names another version of the engine, DecodeError as `decode` does.
    """
    cycle = decode(encoded_cycle, CycleInput)
    if cycle.engine_version != ENGINE_VERSION:
        raise EngineVersionError(
            f"this run was made by engine version {cycle.engine_version}, replay it with that release "
            f"(this one is version {ENGINE_VERSION})"
        )
    channels = [decode(encoded, ChannelInput) for encoded in encoded_inputs]
    again = decide_node(cycle, channels).decisions
    return [encode(decision) == before for decision, before in zip(again, encoded_decisions, strict=True)]
