"""The static channel backup, which each opening makes incomplete. Whether there is one no report tells."""

from collections.abc import Iterator

from recommendations.engine.advice import Estimate, Kind
from recommendations.engine.commands import back_up
from recommendations.engine.confidence import trust_snapshot
from recommendations.engine.draft import Draft, measure
from recommendations.engine.params import Backup
from recommendations.engine.survey import Survey

MINUTES = 10


def advise_backup(survey: Survey) -> Iterator[Draft]:
    """After openings since the owner last said that it was done; before that, for all channels there are."""
    told_at = survey.backup_told_at
    new = [one.first_seen_at for one in survey.channels if told_at is None or one.first_seen_at > told_at]
    if not new:
        return
    opened = [at for at in new if at > survey.first_report_at]
    yield Draft(
        kind=Kind.BACKUP,
        params=Backup(
            opened=len(opened),
            channels=len(survey.channels),
            newest_at=max(opened, default=None),
            told_at=told_at,
        ),
        estimate=Estimate(why_none="protects"),
        effort=MINUTES,
        confidence=trust_snapshot(survey),
        evidence=(
            measure("node/channels", len(survey.channels)),
            measure("node/channels_opened_since", len(opened)),
            measure("feedback/backup_done_at", told_at.isoformat() if told_at else None),
        ),
        command=back_up(survey),
    )
