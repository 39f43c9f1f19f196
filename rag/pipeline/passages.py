"""Passages that may answer a question, for answers and recommendations alike: none of them fails for want of any."""

from collections.abc import Callable
from typing import NamedTuple

import structlog
from msgspec.structs import replace

from rag.engine.evidence import Evidence
from rag.engine.plain import list_blocks, make_plain
from rag.engine.suspicion import speaks_to_assistant

log = structlog.get_logger(__name__)
LIMIT = 5
RAG = "rag"  # how `degraded` names the library where it cannot be searched


class Retrieved(NamedTuple):
    """What a search found, as it is stored: texts may hold anything.

    `answerable`: whether they look as if they answer the question at all. `nearest`: the title of the library's
    nearest section, answer or not; empty where none is near.
    """

    passages: tuple[Evidence, ...]
    answerable: bool
    nearest: str = ""


Retrieve = Callable[[str], Retrieved]  # for the tenant we are in; raises KnowledgeAwayError


class KnowledgeAwayError(Exception):
    """The store of vectors or the embedder does not answer."""


class Found(NamedTuple):
    """`withheld`: passages left out because they give orders to the assistant."""

    evidence: tuple[Evidence, ...] = ()
    answerable: bool = False
    degraded: tuple[str, ...] = ()
    withheld: int = 0
    nearest: str = ""


def find_passages(question: str, retrieve: Retrieve) -> Found:
    """Plain text of what was retrieved, the best first. Whatever fails there is said in `degraded`."""
    try:
        retrieved = retrieve(question)
    except KnowledgeAwayError as error:
        log.warning("knowledge_away", error=str(error))
        return Found(degraded=(RAG,))
    safe = [one for one in retrieved.passages if not _gives_orders(one)]
    evidence = tuple(plain for one in safe if (plain := _make_plain(one)).text)
    return Found(
        evidence=evidence,
        answerable=retrieved.answerable and bool(evidence),
        withheld=len(retrieved.passages) - len(safe),
        nearest="" if speaks_to_assistant(retrieved.nearest) else make_plain(retrieved.nearest),
    )


def _gives_orders(evidence: Evidence) -> bool:
    return any(map(speaks_to_assistant, (evidence.title, evidence.text, *evidence.text.splitlines())))


def _make_plain(evidence: Evidence) -> Evidence:
    return replace(evidence, text="\n".join(list_blocks(evidence.text)), title=make_plain(evidence.title))
