"""Decisions and their inputs as bytes, and the proof that one follows from the other.

Canonical MessagePack: fields in the order of their declaration, dictionaries sorted by key, instants in UTC. Equal
values are equal bytes, whatever their time zone or the order they were built in.
"""

import msgspec

from nodes.engine.decision import ENGINE_VERSION, decide_channel
from nodes.engine.types import ChannelDecision, DecisionInput

_encoder = msgspec.msgpack.Encoder(order="deterministic")
_input_decoder = msgspec.msgpack.Decoder(DecisionInput)
_decision_decoder = msgspec.msgpack.Decoder(ChannelDecision)


class EngineVersionError(ValueError):
    """The decision was made by another version of the engine, so this one can neither confirm nor deny it."""


def encode_input(given: DecisionInput) -> bytes:
    return _encoder.encode(given)


def decode_input(encoded: bytes) -> DecisionInput:
    """Raises msgspec.DecodeError (or its ValidationError, naming the field) when the bytes are not a valid input."""
    return _input_decoder.decode(encoded)


def encode_decision(decision: ChannelDecision) -> bytes:
    return _encoder.encode(decision)


def decode_decision(encoded: bytes) -> ChannelDecision:
    """Raises msgspec.DecodeError (or its ValidationError, naming the field) when the bytes are not a valid decision."""
    return _decision_decoder.decode(encoded)


def replay_decision(encoded_input: bytes, encoded_decision: bytes) -> bool:
    """Whether deciding again from the stored input gives the stored decision, byte for byte.

    Raises EngineVersionError when the input names another version of the engine, DecodeError as `decode_input` does.
    """
    given = decode_input(encoded_input)
    if given.engine_version != ENGINE_VERSION:
        raise EngineVersionError(
            f"this decision was made by engine version {given.engine_version}, replay it with that release "
            f"(this one is version {ENGINE_VERSION})"
        )
    return encode_decision(decide_channel(given)) == encoded_decision
