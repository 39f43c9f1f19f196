"""The boxes of the access matrix: one for each state, with something at every address, and words of its own in it."""

import dataclasses
import datetime as dt
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from django.db import connection
from django.utils import timezone

from bridge.engine.server import Server, Stdio
from bridge.manager.catalogue import add_server
from bridge.models.call import CallDetail, McpCall
from nodes.engine.credential import Service
from nodes.engine.webhook.endpoint import Target
from nodes.models.action import Action
from nodes.pipeline import handover
from nodes.pipeline.action import approve_action
from nodes.pipeline.credential import set_credential
from nodes.pipeline.cycle import run_cycle
from nodes.pipeline.export.order import request_export
from nodes.pipeline.ingest import accept_forwards, accept_snapshot
from nodes.pipeline.webhook.endpoint import create_endpoint
from nodes.pipeline.webhook.replay import send_test
from rag.pipeline.document import Offer, add_document
from recommendations.engine.feedback import Verdict
from recommendations.pipeline.feedback import give_feedback
from recommendations.pipeline.recommend import work_out
from tenants.context import enter_tenant
from tenants.models.api_key import ApiKey
from tenants.models.claim import Claim
from tenants.provisioning.authorization import begin_authorization, decide_authorization
from tenants.provisioning.claim import ClaimTerms, create_claims
from tenants.provisioning.device import NewBox, NodeProof
from tenants.provisioning.lifecycle import delete_dazbox, suspend_dazbox
from tenants.provisioning.purge import purge_dazbox
from tenants.provisioning.transfer import TransferTerms, transfer_dazbox
from tenants.tokens.access import mint_access_token
from tests.api.access_rules import Caller
from tests.api.openapi_document import Operation
from tests.conftest import ApiClient
from tests.factories import (
    Box,
    as_json,
    encode_key,
    make_api_key,
    make_box,
    make_channel,
    make_device_request,
    make_forward,
    make_offer,
    make_older_report,
    make_rebalance,
    make_snapshot,
    pubkey_of,
)

NEW_KEY = {"kty": "OKP", "crv": "Ed25519", "x": encode_key(Ed25519PrivateKey.generate())}
MCP_SERVER = "echo"  # open to everybody
REASON = {"reason": "because"}
STRANGER = {"pubkey": pubkey_of("stranger"), "nonce": "n" * 43, "signature": "y" * 104, "device_key": NEW_KEY} | {
    "agent": {"version": "1"}
}
BODIES: dict[str, Any] = {
    "send_snapshot": as_json(make_snapshot(50, taken_at=timezone.now())),
    "send_forwards": {"events": [as_json(make_forward(77))], "cursor": "77"},
    "send_rebalances": {"events": [as_json(make_rebalance(77))], "cursor": "77", "until": "2026-11-01T12:00:00Z"},
    "report_action": {"success": True, "at": "2026-11-01T12:30:00Z"},
    "roll_back": {"day": "2026-11-01"},
    "propose_action": {"short_channel_id": "800000x2x0", "fee_rate_ppm": 333},
    "set_kill_switch": {"is_on": True, "reason": "a pause"},
    "set_channel_kill_switch": {"is_on": True, "reason": "a pause"},
    "set_mode": {"mode": "shadow"},
    "set_schedule": {"cron": "0 */6 * * *", "time_zone": "Europe/Paris"},
    "set_notifications": {"language": "fr", "events": ["rollback"]},
    "set_fee_policy": {},
    "import_fee_policy": {"config": "[default]\nstrategy = static\nfee_ppm = 200\n"},
    "preview_fee_policy": {},
    "backtest_fee_policy": {"days": 3},
    "ask_question": {"question": "what is the balance of channel 800000x1x0?"},
    "give_feedback": {"verdict": "useful", "why": "it was right"},
    "prioritise_actions": {"context": "beginner", "goals": ["liquidity"], "budget_limit": 1000},
    "report_older_result": lambda places: {
        "action_id": places["recommendation_id"],
        "success": True,
        "message": "done",
        "timestamp": "2026-11-01T12:30:00Z",
    },
    "send_older_report": lambda places: make_older_report(places["pubkey"]),
    "set_credential": {"secret": "x" * 40},
    "create_webhook": {"url": "https://hooks.example.com/dazbox"},
    "change_webhook": {"description": "another"},
    "rotate_webhook_secret": {},
    "replay_webhook": {"since": "2026-11-01T00:00:00Z"},
    "create_mcp_server": {"name": "another", "transport": {"kind": "stdio", "command": "another"}},
    "replace_mcp_server": {"transport": {"kind": "stdio", "command": "another"}},
    "approve_mcp_tools": {"pins": {"echo": "ab" * 32}},
    "import_mcp_servers": {"content": '{"mcpServers": {"imported": {"command": "another"}}}'},
    "set_mcp_secret": {"env": {"KEY": "mine"}},
    "create_api_key": {"name": "new", "scopes": ["read"]},
    "create_document": {"title": "Notes", "text": "# Notes\n\nFees were raised."},
    "search_knowledge": {"query": "fees"},
    "upload_graph": b"no graph",
    "analyse_nodes": {"pubkeys": [pubkey_of("stranger")]},
    "replace_document": {"title": "Notes", "text": "# Notes\n\nFees were lowered."},
    "create_claims": {},
    "change_device": {"alias": "x"},
    "suspend_device": REASON,
    "resume_device": REASON,
    "restore_device": REASON,
    "break_glass": {"reason": "asked to look into it"},
    "transfer_device": {},
    "set_device_plan": {"plan": "home"},
    "add_device_key": {"device_key": NEW_KEY},
    "sign_in": {"client_id": "nobody", "client_secret": "x" * 40},
    "sign_in_device": {"assertion": "none"},
    "refresh_token": {"refresh": "none"},
    "revoke_token": {"refresh": "none"},
    "register_device": STRANGER | {"claim_code": "DAZ-0000-0000-0000-0000"},
    "begin_device_authorization": STRANGER,
    "poll_device_authorization": {
        "device_code": "d" * 43,
        "grant_type": "urn:ietf:params:oauth:grant-type:device_code",
    },
    "create_challenge": {"pubkey": STRANGER["pubkey"], "device_key": NEW_KEY},
}


@dataclass
class Resident:
    """A box, its token, what stands in the place of each parameter of an address, and the words only it knows."""

    box: Box
    token: str
    places: dict[str, str] = field(default_factory=dict)

    @property
    def canary(self) -> str:
        return canary_of(self.box.name)

    @property
    def traces(self) -> list[bytes]:
        """What nobody else may be told."""
        return [text.encode() for text in (self.canary, self.box.pubkey, str(self.box.dazbox.id))]


def canary_of(name: str) -> str:
    return f"canary-of-{name}"


def settle(name: str) -> Resident:
    """In service, signed in, with every free text of its own."""
    box = make_box(name)
    word, owner_id = canary_of(name), box.dazbox.owner_id
    box.dazbox.alias = word
    box.dazbox.save(update_fields=["alias"])
    report(box, word)
    note_call(box, word)
    make_api_key(box, name=word)
    terms = ClaimTerms(label=word, expires_in=dt.timedelta(days=1))
    [claim] = create_claims(1, terms, created_by="test")
    action = write_action(box)
    places = {
        "pubkey": box.pubkey,
        "action_id": action.id,
        "run_id": action.run_id,
        "short_channel_id": "800000x1x0",
        "service": Service.OPENAI,
        "key_id": ApiKey.objects.get(dazbox=box.dazbox).id,
        "device_id": box.dazbox.id,
        "kid": box.kid,
        "claim_id": Claim.objects.get(id=claim.claim.id).id,
        "document_id": write_document(box, word),
        "recommendation_id": write_recommendation(box, word),
        "webhook_id": set_up_webhook(box, word),
        "export_id": request_export(box.dazbox.id, actor="test").id,
        "operation_id": box.dazbox.operations.get().id,
        "user_code": link_another(name, owner_id),
        "name": MCP_SERVER,
    }
    return Resident(box, ApiClient().token_of(box), {key: str(value) for key, value in places.items()})


def note_call(box: Box, word: str) -> None:
    """One of an MCP tool."""
    detail = CallDetail(subject=word, tool=word, arguments_sha256="ab" * 32, request_id=word, instance="a")
    said = {"at": timezone.now(), "server": MCP_SERVER, "outcome": "ok", "duration_ms": 1.0, "detail": detail}
    with enter_tenant(box.tenant):
        McpCall(id=uuid.uuid4(), **said).save()


def report(box: Box, word: str) -> None:
    """Two cycles, so that there are decisions, actions and a run to read."""
    node = msgspec.structs.replace(make_snapshot().node, alias=word, version=word)
    box.channels = [make_channel(number, peer_alias=f"{word} peer {number}") for number in (1, 2, 3)]
    with enter_tenant(box.tenant):
        accept_forwards([make_forward(number, id=f"{word} {number}") for number in range(1, 9)], word)
        accept_snapshot(make_snapshot(1, box.channels, node=node))
        run_cycle()
        set_credential(Service.OPENAI, make_offer(word), actor=word)


def write_action(box: Box) -> Action:
    """One action of the box, written and seen: its peer's name has the word in it."""
    with enter_tenant(box.tenant):
        action = Action.objects.order_by("decision_id").first()
        assert action is not None
        approve_action(action, actor="test")
        handover.hand_over("test")
        box.channels = [
            msgspec.structs.replace(channel, own_policy=action.policy)
            if channel.short_channel_id == action.short_channel_id
            else channel
            for channel in box.channels
        ]
        accept_snapshot(make_snapshot(2, box.channels, taken_at=timezone.now()))
        action.refresh_from_db()
    assert action.state == "confirmed"
    return action


def write_document(box: Box, word: str) -> uuid.UUID:
    with enter_tenant(box.tenant):
        offer = Offer(title=word, media_type="text/plain", content=f"{word} wrote this".encode())
        return add_document(offer)[0].id


def write_recommendation(box: Box, word: str) -> uuid.UUID:
    """With a word of its owner's on it."""
    with enter_tenant(box.tenant):
        [first, *_] = work_out(timezone.now()).advice
        give_feedback(first.id, Verdict.USEFUL, why=word, actor=word)
        return first.id


def set_up_webhook(box: Box, word: str) -> uuid.UUID:
    """With one event on its way."""
    with enter_tenant(box.tenant):
        target = Target(url=f"https://hooks.example.com/{word}", description=word)
        return send_test(create_endpoint(target, actor="test").id).endpoint_id


def link_another(name: str, owner_id: uuid.UUID) -> str:
    """The user code of another box, which this owner has approved."""
    request = dataclasses.replace(make_device_request(f"guest of {name}", code="none"), alias=canary_of(name))
    guest = NewBox(request.pubkey, request.alias, device_key=request.device_key, agent_version="1")
    new = begin_authorization(guest, NodeProof(request.nonce, request.signature), address="203.0.113.7")
    decide_authorization(new.user_code, owner_id, approves=True)
    return new.user_code


def suspend(box: Box) -> None:
    suspend_dazbox(box.dazbox.id, actor="test", reason=canary_of(box.name))


def leave(box: Box) -> None:
    delete_dazbox(box.dazbox.id, actor="test", reason=canary_of(box.name), at_once=False)


def perish(box: Box) -> None:
    connection.check_constraints()  # a request's end would have; a table with rows to check yet cannot be dropped
    purge_dazbox(delete_dazbox(box.dazbox.id, actor="test", reason=canary_of(box.name), at_once=True))


def hand_over(box: Box) -> None:
    transfer_dazbox(box.dazbox.id, TransferTerms(expires_in=dt.timedelta(days=1)), actor="test")


FATES: dict[Caller, Callable[[Box], None]] = {
    Caller.SUSPENDED: suspend,
    Caller.LEAVING: leave,
    Caller.DELETED: perish,
    Caller.HANDED_OVER: hand_over,
}


@dataclass
class Town:
    """Alice and bob in service, a box for each fate, and who else calls."""

    alice: Resident
    bob: Resident
    fated: dict[Caller, Resident]
    leave: str  # an operator's token, with leave to read alice's box

    @property
    def residents(self) -> list[Resident]:
        return [self.alice, self.bob, *self.fated.values()]

    def visited_by(self, caller: Caller) -> Resident:
        """Whose box is in the address."""
        return self.fated.get(caller, self.alice)

    def token_of(self, caller: Caller) -> str | None:
        match caller:
            case Caller.NOBODY:
                return None
            case Caller.ANOTHER:
                return self.bob.token
            case Caller.OPERATOR:
                return make_operator_token()
            case Caller.WITH_LEAVE:
                return self.leave
            case Caller.SHOP:
                return mint_access_token(subject="client:shop", scopes=["provisioning"], tenant_id=None)
            case Caller.NEVER_THERE:
                return mint_access_token(subject="x", scopes=["device", "read", "act"], tenant_id=uuid.uuid4())
        return self.visited_by(caller).token


def found_town() -> Town:
    add_server(Server(MCP_SERVER, Stdio("echo")), actor="test")
    alice, fated = settle("alice"), {caller: settle(caller.name.lower()) for caller in FATES}
    town = Town(alice, settle("bob"), fated, take_leave(alice))
    for caller, resident in town.fated.items():
        FATES[caller](resident.box)
    return town


def take_leave(resident: Resident) -> str:
    path = f"/api/v1/provisioning/devices/{resident.box.dazbox.id}/break-glass"
    token = make_operator_token()
    assert ApiClient().post(path, BODIES["break_glass"], token=token).status == 201
    return token


def make_operator_token() -> str:
    return mint_access_token(subject="operator:1", scopes=["operator"], tenant_id=None)


def knock(api: ApiClient, operation: Operation, places: dict[str, str], token: str | None, **headers: str) -> Any:
    """As a client in earnest asks."""
    path = operation.path.format(**places)
    if str(operation) == "download_export":
        path += "?signature=1wABCD:" + "x" * 43
    known = {"If-Match": "*", "Idempotency-Key": str(uuid.uuid4())}
    body = BODIES.get(str(operation))
    return api.call(operation.method, path, body(places) if callable(body) else body, token=token, **known | headers)
