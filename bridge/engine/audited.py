"""A call as it is told to the audit: what the gateway writes to the stream and the control plane reads of it.

An entry of the stream holds one field, `row`: the JSON of an AuditedCall.
"""

from uuid import UUID

import msgspec
from msgspec import Struct

STREAM = "dazbox:mcp:audit"
FIELD = "row"


class AuditedCall(Struct, frozen=True, gc=False):
    """`outcome`: ok, tool_error, refused:KIND, timeout, lost, cancelled. `arguments`: their JSON, only where it is
    logged (`Access.log_arguments`).
    """

    at: float  # seconds since 1970, when the call came
    tenant_id: UUID
    subject: str
    server: str
    tool: str
    arguments_sha256: str
    outcome: str
    duration_ms: float
    request_id: str
    instance: str
    arguments: str | None = None


encode_call = msgspec.json.Encoder().encode
encode_calls = msgspec.json.Encoder().encode_lines  # a line each: none is broken, since JSON escapes line ends
decode_call = msgspec.json.Decoder(AuditedCall).decode
