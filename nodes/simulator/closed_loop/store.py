"""What a campaign has found so far, in a folder: outcomes are kept as they come, and a later call goes on from there.

`setting.json` says what they are outcomes of, `outcomes.jsonl` holds one to a line. A line is written at once, so what
is killed loses the world in hand; a line that was cut off is dropped when the folder is opened again.
"""

import fcntl
import hashlib
import os
from collections.abc import Iterable
from pathlib import Path
from typing import Self

import msgspec
from msgspec import Struct, structs

from nodes.engine.version import ENGINE_VERSION
from nodes.simulator.closed_loop.campaign import Campaign, RunKey, key_of
from nodes.simulator.closed_loop.competitors import CompetitorKind
from nodes.simulator.closed_loop.contender import Contender
from nodes.simulator.closed_loop.outcome import Outcome

SIMULATOR_VERSION = 1  # whoever changes what a run comes to raises it


class StoreError(ValueError):
    """The folder holds outcomes of another setting, or is in use. The message says what to do."""


class Setting(Struct, frozen=True, kw_only=True):
    """What all outcomes of a folder share. `networks`: a digest of the nodes' surroundings, fees included."""

    networks: str
    nodes: int
    days: int
    warm_up_days: int
    period_h: int
    profile: str | None
    simulator: int
    engine: int


class _Contents(Struct, frozen=True, kw_only=True):
    """`policies`: a digest of what each name stood for. Both grow with further calls, in their order."""

    setting: Setting
    policies: dict[str, str]
    competitors: list[CompetitorKind]


class OutcomeStore:
    """Open until `close`: only one process writes into a folder."""

    def __init__(self, folder: Path, contents: _Contents, *, outcomes: list[Outcome], file_descriptor: int) -> None:
        self._contents = contents
        self._file_descriptor = file_descriptor
        self.folder = folder
        self._outcomes = {key_of(outcome): outcome for outcome in outcomes}

    @classmethod
    def open(cls, folder: Path, campaign: Campaign) -> Self:
        """Raises StoreError."""
        folder.mkdir(parents=True, exist_ok=True)
        file_descriptor = os.open(folder / "outcomes.jsonl", os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o644)
        try:
            _lock(file_descriptor, folder)
            contents = _merge(_read_contents(folder), _describe(campaign), folder=folder)
            outcomes = _read_outcomes(folder, file_descriptor)
        except BaseException:
            os.close(file_descriptor)
            raise
        _write_whole(folder / "setting.json", msgspec.json.format(msgspec.json.encode(contents)))
        return cls(folder, contents, outcomes=outcomes, file_descriptor=file_descriptor)

    def close(self) -> None:
        os.close(self._file_descriptor)

    @property
    def policies(self) -> list[str]:
        """The names of all calls."""
        return list(self._contents.policies)

    @property
    def competitors(self) -> list[CompetitorKind]:
        return self._contents.competitors

    @property
    def done(self) -> set[RunKey]:
        return set(self._outcomes)

    def keep(self, found: Iterable[Outcome]) -> None:
        """All outcomes of one world in one write, on the disk when it returns."""
        fresh = {key_of(outcome): outcome for outcome in found}
        self._outcomes.update(fresh)
        os.write(self._file_descriptor, b"".join(msgspec.json.encode(outcome) + b"\n" for outcome in fresh.values()))
        os.fsync(self._file_descriptor)

    def list_outcomes(self, pubkeys: list[str]) -> list[Outcome]:
        """Seed by seed, then by competitors, node and policy: the same however many calls it took."""
        policies, kinds = self.policies, self.competitors
        return sorted(
            self._outcomes.values(),
            key=lambda outcome: (
                outcome.seed,
                kinds.index(outcome.competitors),  # type: ignore[arg-type]
                pubkeys.index(outcome.pubkey),
                policies.index(outcome.policy) if outcome.policy in policies else len(policies),
                outcome.policy,
            ),
        )


def _describe(campaign: Campaign) -> _Contents:
    return _Contents(
        setting=Setting(
            networks=_digest([structs.asdict(network) for network in campaign.networks]),
            nodes=len(campaign.networks),
            days=campaign.terms.days,
            warm_up_days=campaign.terms.warm_up_days,
            period_h=campaign.terms.period_h,
            profile=campaign.profile,
            simulator=SIMULATOR_VERSION,
            engine=ENGINE_VERSION,
        ),
        policies={contender.name: _digest(contender) for contender in campaign.contenders},
        competitors=campaign.competitors,
    )


def _digest(content: Contender | list[dict[str, object]]) -> str:
    return hashlib.sha256(msgspec.json.encode(content, order="deterministic")).hexdigest()


def _merge(before: _Contents | None, wanted: _Contents, *, folder: Path) -> _Contents:
    if before is None:
        return wanted
    old, new = structs.asdict(before.setting), structs.asdict(wanted.setting)
    differing = [f"{name} {old[name]} (now {new[name]})" for name in new if old[name] != new[name]]
    differing += [
        f"the document of {name}"
        for name, digest in wanted.policies.items()
        if before.policies.get(name, digest) != digest
    ]
    if differing:
        raise StoreError(
            f"{folder} holds outcomes of another setting: {', '.join(differing)}. Give another folder, or move it away."
        )
    return _Contents(
        setting=wanted.setting,
        policies={**before.policies, **wanted.policies},
        competitors=list(dict.fromkeys([*before.competitors, *wanted.competitors])),
    )


def _lock(file_descriptor: int, folder: Path) -> None:
    try:
        fcntl.flock(file_descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise StoreError(f"{folder} is in use by another simulation: wait for it, or give another folder.") from None


def _read_contents(folder: Path) -> _Contents | None:
    path = folder / "setting.json"
    if not path.exists():
        return None
    try:
        return msgspec.json.decode(path.read_bytes(), type=_Contents)
    except msgspec.DecodeError as error:
        raise StoreError(f"{path} cannot be read ({error}): give another folder, or move it away.") from None


def _read_outcomes(folder: Path, file_descriptor: int) -> list[Outcome]:
    lines = (folder / "outcomes.jsonl").read_bytes().split(b"\n")
    cut_off = lines.pop()  # what follows the last newline
    if cut_off:
        os.ftruncate(file_descriptor, os.fstat(file_descriptor).st_size - len(cut_off))
    try:
        return [msgspec.json.decode(line, type=Outcome) for line in lines]
    except msgspec.DecodeError as error:
        raise StoreError(f"{folder}/outcomes.jsonl cannot be read ({error}): give another folder.") from None


def _write_whole(path: Path, content: bytes) -> None:
    """Either the old content or the new one is there, whatever happens in between."""
    beside = path.with_suffix(".new")
    beside.write_bytes(content)
    beside.replace(path)
