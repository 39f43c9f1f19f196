"""A box becomes a device of the cloud."""

from dataclasses import replace
from pathlib import Path

from nodes.agent.cloud import OwnNode, Proof, ask_challenge, claim_device, open_cloud
from nodes.agent.config import AgentConfig, LndAddress, find_config, write_config
from nodes.agent.device_key import ensure_device_key
from nodes.agent.errors import HomeError
from nodes.agent.field import read_text
from nodes.agent.lnd import open_lnd
from nodes.agent.snapshot import clean_text


def claim_home(home: Path, claim_code: str, *, cloud: str, lnd: LndAddress, report_macaroon: Path) -> AgentConfig:
    """Redeem an owner's claim code for the node behind `lnd`; the same claim again changes nothing.
    Later reports use `report_macaroon`.

    1. Make the device key, if the home has none. 2. Ask the node who it is. 3. Let it sign the cloud's challenge.
    4. Redeem the code. 5. Write `agent.json`.
    Raises AgentError, and OSError when the home cannot be written.
    """
    key = ensure_device_key(home)
    with open_lnd(lnd) as node, open_cloud(cloud) as door:
        info = node.get_info()
        pubkey, alias = read_text(info, "identity_pubkey"), clean_text(read_text(info, "alias"))
        check_unclaimed(home, cloud=cloud, pubkey=pubkey)
        challenge = ask_challenge(door, pubkey=pubkey, key=key)
        proof = Proof(nonce=challenge.nonce, signature=node.sign_message(challenge.message))
        device_id = claim_device(door, claim_code, node=OwnNode(pubkey, alias), key=key, proof=proof)
    config = AgentConfig(cloud=cloud, device_id=device_id, pubkey=pubkey, lnd=replace(lnd, macaroon=report_macaroon))
    write_config(home, config)
    return config


def check_unclaimed(home: Path, *, cloud: str, pubkey: str) -> None:
    """One home, one device: its key must not speak for a second node or to a second cloud. Raises HomeError."""
    claimed = find_config(home)
    if claimed is not None and (claimed.cloud, claimed.pubkey) != (cloud, pubkey):
        owner = f"{claimed.pubkey} at {claimed.cloud}"
        raise HomeError(f"{home} belongs to the node {owner}: take another folder", permanent=True)
