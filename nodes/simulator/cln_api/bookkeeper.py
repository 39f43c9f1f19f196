"""bkpr-listincome and bkpr-listaccountevents: of what the bookkeeper records this world knows payments to oneself."""

from nodes.simulator.cln_api.channel import derive_channel_id
from nodes.simulator.cln_api.params import MAX_U32, Params
from nodes.simulator.traffic import NS_PER_S
from nodes.simulator.view import NodeView
from nodes.simulator.world import RebalanceRecord

CURRENCY = "bc"

Row = dict[str, object]


def list_income(view: NodeView, params: Params) -> dict[str, object]:
    """Events after `start_time`, up to and at `end_time`. What a payment to oneself cost is no invoice, but its fee."""
    params.read_flag("consolidate_fees")
    start_s, end_s = params.read_u32("start_time") or 0, params.read_u32("end_time")
    rows = [
        _base(view, record, account=record.outgoing_id, tag="rebalance_fee", debit_msat=record.fee_msat)
        for record in view.node.rebalances
        if record.fee_msat and start_s < record.at_ns // NS_PER_S <= (MAX_U32 if end_s is None else end_s)
    ]
    return {"income_events": rows}


def list_account_events(view: NodeView, params: Params) -> dict[str, object]:
    account, payment_id = params.read_text("account"), params.read_text("payment_id")
    rows = [
        row
        for record in view.node.rebalances
        if payment_id is None or record.payment_hash.hex() == payment_id
        for row in _describe_both(view, record)
        if account is None or row["account"] == account
    ]
    return {"events": rows}


def _describe_both(view: NodeView, record: RebalanceRecord) -> tuple[Row, Row]:
    """The debit has the fee in it."""
    both = {"type": "channel", "is_rebalance": True, "part_id": 0}
    debit_msat, fee = record.amount_msat + record.fee_msat, {"fees_msat": record.fee_msat}
    return (
        _base(view, record, account=record.outgoing_id, tag="invoice", debit_msat=debit_msat) | both | fee,
        _base(view, record, account=record.incoming_id, tag="invoice", credit_msat=record.amount_msat)
        | both
        | {"fees_msat": 0},
    )


def _base(
    view: NodeView, record: RebalanceRecord, *, account: int, tag: str, credit_msat: int = 0, debit_msat: int = 0
) -> Row:
    return {
        "account": derive_channel_id(view.simulation.channels[account].chan_point),
        "tag": tag,
        "credit_msat": credit_msat,
        "debit_msat": debit_msat,
        "currency": CURRENCY,
        "timestamp": record.at_ns // NS_PER_S,
        "payment_id": record.payment_hash.hex(),
    }
