"""A box becomes a device of the cloud."""

from pathlib import Path

from nodes.agent.cloud import claim_device, open_cloud
from nodes.agent.config import AgentConfig, LndAddress, find_config, write_config
from nodes.agent.device_key import ensure_device_key
from nodes.agent.errors import HomeError
from nodes.agent.field import read_text
from nodes.agent.lnd import open_lnd
from nodes.agent.snapshot import clean_text


def claim_home(home: Path, claim_code: str, *, cloud: str, lnd: LndAddress) -> AgentConfig:
    """Redeem an owner's claim code for the node behind `lnd`; the same claim again changes nothing.

    1. Make the device key, if the home has none. 2. Ask the node who it is. 3. Redeem the code. 4. Write `agent.json`.
    Raises AgentError, and OSError when the home cannot be written.
    """
    key = ensure_device_key(home)
    with open_lnd(lnd) as node:
        info = node.get_info()
    pubkey, alias = read_text(info, "identity_pubkey"), clean_text(read_text(info, "alias"))
    check_unclaimed(home, cloud=cloud, pubkey=pubkey)
    with open_cloud(cloud) as door:
        device_id = claim_device(door, claim_code, pubkey=pubkey, alias=alias, key=key)
    config = AgentConfig(cloud=cloud, device_id=device_id, pubkey=pubkey, lnd=lnd)
    write_config(home, config)
    return config


def check_unclaimed(home: Path, *, cloud: str, pubkey: str) -> None:
    """One home, one device: its key must not speak for a second node or to a second cloud. Raises HomeError."""
    claimed = find_config(home)
    if claimed is not None and (claimed.cloud, claimed.pubkey) != (cloud, pubkey):
        owner = f"{claimed.pubkey} at {claimed.cloud}"
        raise HomeError(f"{home} belongs to the node {owner}: take another folder", permanent=True)
