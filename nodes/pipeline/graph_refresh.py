"""Where a new graph comes from: a file an operator sent, or the LND the settings name. Both end in `load_graph`."""

import datetime as dt
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

import httpx
import structlog
from django.conf import settings
from django.utils import timezone

from mcp_saas.kit.http import UnsafeTargetError
from nodes.graph.models import GraphLoad, GraphUpload
from nodes.pipeline.connect import guard_connections
from nodes.pipeline.graph import load_graph
from nodes.sources.describegraph.reader import MAX_GRAPH_BYTES, GraphFileError
from nodes.sources.driver.config import DriverConfig
from nodes.sources.driver.errors import NodeError
from nodes.sources.lnd.client import open_lnd

log = structlog.get_logger(__name__)
READ_WITHIN_S = 120.0
LOST_AFTER = dt.timedelta(minutes=10)  # a load that began so long ago died with its worker


def offer_graph(content: bytes, *, actor: str) -> GraphUpload:
    """A packed or plain graph file, to be loaded by a worker."""
    return GraphUpload.objects.create(content=content, uploaded_by=actor)


def load_waiting() -> None:
    """The newest file that waits; older ones count no more. One that is refused says why."""
    now = timezone.now()
    lost = GraphUpload.objects.filter(state=GraphUpload.State.LOADING, began_at__lt=now - LOST_AFTER)
    lost.update(state=GraphUpload.State.REFUSED, refused_because="its worker died while it was loaded", content=b"")
    waiting = GraphUpload.objects.filter(state=GraphUpload.State.WAITING)
    newest = waiting.order_by("-id").first()
    if newest is None or not waiting.filter(id=newest.id).update(state=GraphUpload.State.LOADING, began_at=now):
        return
    waiting.filter(id__lt=newest.id).update(
        state=GraphUpload.State.REFUSED, refused_because="a newer file came before it was loaded", content=b""
    )
    _load(newest)


def _load(upload: GraphUpload) -> None:
    upload.state = GraphUpload.State.REFUSED
    with TemporaryDirectory(prefix="graph-") as folder:
        path = Path(folder, "the file")
        path.write_bytes(bytes(upload.content))
        try:
            upload.load = load_graph(path, source=f"file of {upload.uploaded_by}"[:80])
            upload.state = GraphUpload.State.LOADED
        except GraphFileError as error:
            upload.refused_because = str(error).replace(str(path), path.name)[:300]
        except Exception as error:  # whatever it is, the file must not be said to be loading
            log.exception("graph_upload_failed", upload=upload.id)
            upload.refused_because = f"It could not be loaded ({type(error).__name__}): the log of the worker says why"
    upload.content = b""
    upload.save()
    log.info("graph_upload_done", state=upload.state, why=upload.refused_because)


def refresh_from_lnd(now: dt.datetime) -> GraphLoad | None:
    """Where the settings name an LND, and the newest load is old. None: nothing was loaded; why is in the log."""
    env = settings.ENV
    newest = GraphLoad.objects.order_by("-loaded_at").first()
    is_old = newest is None or newest.loaded_at < now - dt.timedelta(hours=env.graph_refresh_hours)
    if not env.graph_lnd_url or not is_old:
        return None
    with TemporaryDirectory(prefix="graph-") as folder:
        path = Path(folder, "graph.json")
        try:
            download_graph(path)
            load: GraphLoad = load_graph(path, source="lnd")
        except (NodeError, UnsafeTargetError, GraphFileError, OSError) as error:
            log.warning("graph_not_refreshed", error=str(error).replace(str(path), path.name))
            return None
    return load


def download_graph(path: Path) -> None:
    """To a file: a hundred megabytes are not held in memory. Raises NodeError, UnsafeTargetError, OSError."""
    env = settings.ENV
    config = DriverConfig(
        implementation="lnd",
        url=env.graph_lnd_url,
        place="GRAPH_LND_URL",
        secret=env.graph_lnd_macaroon.get_secret_value() if env.graph_lnd_macaroon else "",
        certificate=env.graph_lnd_certificate.read_text(encoding="utf-8") if env.graph_lnd_certificate else None,
        certificate_hint="is GRAPH_LND_CERTIFICATE its present one?",
        user_agent="dazbox-cloud",
        timeout=httpx.Timeout(30, connect=5),
        connect=partial(guard_connections, within_s=READ_WITHIN_S),
    )
    with open_lnd(config) as lnd, path.open("wb") as file:
        for chunk in lnd.stream_graph(limit_bytes=MAX_GRAPH_BYTES):
            file.write(chunk)
