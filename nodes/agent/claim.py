"""A box becomes a device of the cloud."""

from dataclasses import replace
from pathlib import Path

from nodes.agent.cloud import Proof, ask_challenge, claim_device, open_cloud
from nodes.agent.config import AgentConfig, NodeAddress, find_config, write_config
from nodes.agent.device_key import ensure_device_key
from nodes.agent.errors import HomeError
from nodes.agent.node import open_node


def claim_home(home: Path, claim_code: str, *, cloud: str, node: NodeAddress, report_secret: Path) -> AgentConfig:
    """Redeem an owner's claim code for the node behind the address; the same claim again changes nothing.
    Later reports use `report_secret`, a macaroon or rune that may less.

    1. Make the device key, if the home has none. 2. Ask the node who it is. 3. Let it sign the cloud's challenge.
    4. Redeem the code. 5. Write `agent.json`.
    Raises OutsideError, and OSError when the home cannot be written.
    """
    key = ensure_device_key(home)
    with open_node(node) as driver, open_cloud(cloud) as door:
        identity = driver.identify()
        check_unclaimed(home, cloud=cloud, pubkey=identity.pubkey)
        challenge = ask_challenge(door, pubkey=identity.pubkey, key=key)
        proof = Proof(nonce=challenge.nonce, signature=driver.sign_message(challenge.message))
        device_id = claim_device(door, claim_code, node=identity, key=key, proof=proof)
    kept = replace(node, secret=report_secret)
    config = AgentConfig(cloud=cloud, device_id=device_id, pubkey=identity.pubkey, node=kept)
    write_config(home, config)
    return config


def check_unclaimed(home: Path, *, cloud: str, pubkey: str) -> None:
    """One home, one device: its key must not speak for a second node or to a second cloud. Raises HomeError."""
    claimed = find_config(home)
    if claimed is not None and (claimed.cloud, claimed.pubkey) != (cloud, pubkey):
        owner = f"{claimed.pubkey} at {claimed.cloud}"
        raise HomeError(f"{home} belongs to the node {owner}: take another folder", permanent=True)
