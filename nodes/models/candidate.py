"""Whom the node might open a channel to, as worked out last."""

from django.db import models
from msgspec import Struct

from nodes.engine.candidate import Candidate
from tenants.sealing.payload import PayloadField, SealedModel


class CandidateWork(Struct, frozen=True, kw_only=True):
    """The best first. `peers`: whom we had open channels with, in order; a change of them makes it stale."""

    candidates: list[Candidate]
    peers: list[str]
    is_measured: bool = False  # the gains in betweenness, as far as there was time


class CandidateList(SealedModel):
    id = models.SmallIntegerField(primary_key=True, default=1)
    load_id = models.BigIntegerField(help_text="of the graph it stands on, which lies in the public schema")
    made_at = models.DateTimeField()
    work: PayloadField[CandidateWork] = PayloadField(CandidateWork)

    class Meta:
        constraints = (models.CheckConstraint(condition=models.Q(id=1), name="candidate_list_single"),)

    def __str__(self) -> str:
        return f"candidates of {self.made_at:%Y-%m-%d %H:%M}"
