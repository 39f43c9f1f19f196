"""Tools that ask their client (its model, its user) through the SDK's resolvers, so that they work in either era."""

from typing import Annotated, Any

from mcp.server.elicitation import ElicitationResult
from mcp.server.mcpserver import Context
from mcp.server.mcpserver.resolve import Elicit, Resolve, Sample
from mcp.types import CreateMessageResult, SamplingMessage
from pydantic import BaseModel, Field

from tests.bridge.children.conformance.server import server, text_of


def sample_words(prompt: str) -> Sample:
    return Sample([SamplingMessage(role="user", content=text_of(prompt))], max_tokens=100)


@server.tool()
async def test_sampling(prompt: str, said: Annotated[CreateMessageResult, Resolve(sample_words)]) -> str:
    """Asks the client's model."""
    return f"LLM response: {said.content.text if said.content.type == 'text' else 'No response'}"


class UserResponse(BaseModel):
    response: str = Field(description="User's response")


def elicit_words(message: str) -> Elicit[UserResponse]:
    return Elicit(message, UserResponse)


def outcome_of(result: Any) -> str:
    content = result.data.model_dump_json() if result.action == "accept" else "{}"
    return f"action={result.action}, content={content}"


@server.tool()
async def test_elicitation(
    message: str, result: Annotated[ElicitationResult[UserResponse], Resolve(elicit_words)]
) -> str:
    """Asks the user."""
    return f"User response: {outcome_of(result)}"


def elicit_answer() -> Elicit[UserResponse]:
    return Elicit("Please answer", UserResponse)


@server.tool()
async def test_streaming_elicitation(
    result: Annotated[ElicitationResult[UserResponse], Resolve(elicit_answer)], ctx: Context
) -> str:
    """Asks the user, and goes on."""
    await ctx.report_progress(progress=1, total=1)
    return outcome_of(result)


class Defaults(BaseModel):
    name: str = Field(default="John Doe", description="User name")
    age: int = Field(default=30, description="User age")
    score: float = Field(default=95.5, description="User score")
    status: str = Field(
        default="active", description="User status", json_schema_extra={"enum": ["active", "inactive", "pending"]}
    )
    verified: bool = Field(default=True, description="Verification status")


def elicit_defaults() -> Elicit[Defaults]:
    return Elicit("Please provide user information", Defaults)


@server.tool()
async def test_elicitation_sep1034_defaults(
    result: Annotated[ElicitationResult[Defaults], Resolve(elicit_defaults)],
) -> str:
    """Asks the user, with a default for each type."""
    return f"Elicitation result: {outcome_of(result)}"


def titled(*pairs: tuple[str, str]) -> list[dict[str, str]]:
    return [{"const": const, "title": title} for const, title in pairs]


class Enums(BaseModel):
    untitledSingle: str = Field(  # noqa: N815 - the suite's names
        description="Without titles", json_schema_extra={"enum": ["active", "inactive", "pending"]}
    )
    titledSingle: str = Field(  # noqa: N815
        description="With titles",
        json_schema_extra={
            "oneOf": titled(("low", "Low Priority"), ("medium", "Medium Priority"), ("high", "High Priority"))
        },
    )
    untitledMulti: list[str] = Field(  # noqa: N815
        description="Several without titles",
        json_schema_extra={"items": {"type": "string", "enum": ["read", "write", "execute"]}},
    )
    titledMulti: list[str] = Field(  # noqa: N815
        description="Several with titles",
        json_schema_extra={
            "items": {"anyOf": titled(("feature", "New Feature"), ("bug", "Bug Fix"), ("docs", "Documentation"))}
        },
    )
    legacyEnum: str = Field(  # noqa: N815
        description="With enumNames",
        json_schema_extra={
            "enum": ["small", "medium", "large"],
            "enumNames": ["Small Size", "Medium Size", "Large Size"],
        },
    )


def elicit_enums() -> Elicit[Enums]:
    return Elicit("Please select values using different enum schema types", Enums)


@server.tool()
async def test_elicitation_sep1330_enums(result: Annotated[ElicitationResult[Enums], Resolve(elicit_enums)]) -> str:
    """Asks the user to choose, in each way a choice can be written."""
    return f"Elicitation completed: {outcome_of(result)}"
