"""A box as an answer."""

from msgspec.structs import asdict

from tenants.api.contract.device import DeviceAnswer, RegistrationAnswer
from tenants.models.dazbox import Dazbox


def describe(dazbox: Dazbox) -> DeviceAnswer:
    return DeviceAnswer(
        device_id=dazbox.id,
        tenant_id=dazbox.id,
        owner_id=dazbox.owner_id,
        pubkey=dazbox.pubkey,
        alias=dazbox.alias,
        plan=dazbox.plan,
        state=dazbox.state,
        state_since=dazbox.state_since,
        owner_pause_reason=dazbox.owner_pause_reason or None,
        operator_suspension_reason=dazbox.operator_suspension_reason or None,
        purge_at=dazbox.purge_at,
        agent_version=dazbox.agent_version,
        created_at=dazbox.created_at,
        last_seen_at=dazbox.last_seen_at,
    )


def describe_registration(dazbox: Dazbox, *, status_url: str) -> RegistrationAnswer:
    return RegistrationAnswer(**asdict(describe(dazbox)), status_url=status_url)
