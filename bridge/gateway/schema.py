"""Arguments of tools against their input schemas, compiled once."""

import jsonschema_rs
import msgspec

from bridge.gateway.refusal import INVALID_PARAMS, Refusal


class Schemas:
    """Compiled schemas by server and tool."""

    def __init__(self) -> None:
        self._validators: dict[tuple[str, str], jsonschema_rs.Validator] = {}

    def learn(self, server: str, tool: str, *, schema: bytes) -> str | None:
        """What is wrong with the schema, if anything: then arguments of the tool are not checked against it."""
        try:
            validator = jsonschema_rs.validator_for(msgspec.json.decode(schema), offline=True)
        except (ValueError, jsonschema_rs.ReferencingError) as error:
            self._validators.pop((server, tool), None)
            return str(error)
        self._validators[server, tool] = validator
        return None

    def forget(self, server: str) -> None:
        for key in [key for key in self._validators if key[0] == server]:
            del self._validators[key]

    def check(self, server: str, tool: str, *, arguments: bytes) -> None:
        """Raises Refusal -32602 with a list of pointers and words in `data`."""
        validator = self._validators.get((server, tool))
        if validator is not None and not validator.is_valid(msgspec.json.decode(arguments)):
            raise Refusal("invalid-arguments", "The arguments do not fit the tool.", status=400, code=INVALID_PARAMS)
