"""The real LNbits, from its package in a folder of its own, with our simulated LND as its funding source."""

import os
import select
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx

START_WITHIN_S, PAUSE_S = 100, 0.2
PASSWORD = "correct horse battery"
# Prices, extensions and rates would be asked of the internet.
QUIET = {
    "LNBITS_EXTENSIONS_DEFAULT_INSTALL": "",
    "LNBITS_EXTENSIONS_MANIFESTS": "",
    "LNBITS_EXCHANGE_RATE_PROVIDERS": "[]",
    "LNBITS_RATE_LIMIT_NO": "1000000",
}


@contextmanager
def run_lnbits(venv: Path, folder: Path, *, lnd_url: str, tls_cert: Path, macaroon: Path) -> Iterator[httpx.Client]:
    """A client of its API that is signed in as its administrator, whom only its admin interface knows."""
    with socket.create_server(("127.0.0.1", 0)) as unused:
        port = unused.getsockname()[1]
    environment = {
        **QUIET,
        "PATH": os.defpath,
        "HOME": str(folder),
        "LNBITS_DATA_FOLDER": str(folder),
        "LNBITS_EXTENSIONS_PATH": str(folder),
        "LNBITS_ADMIN_UI": "true",
        "LNBITS_NODE_UI": "true",
        "AUTH_SECRET_KEY": "judge",
        "LNBITS_BACKEND_WALLET_CLASS": "LndRestWallet",
        "LND_REST_ENDPOINT": lnd_url,
        "LND_REST_CERT": str(tls_cert),
        "LND_REST_MACAROON": macaroon.read_bytes().hex(),
    }
    command = [str(venv / "bin" / "lnbits"), "--host", "127.0.0.1", "--port", str(port)]
    with (folder / "lnbits.log").open("wb") as log:
        # Its static files are looked for below the working folder. It forks: the group is ended as one.
        process = subprocess.Popen(
            command, cwd=find_packages(venv), env=environment, stdout=log, stderr=log, start_new_session=True
        )
        try:
            with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=60, trust_env=False) as client:
                await_health(client, process, folder / "lnbits.log")
                sign_in(client)
                yield client
        finally:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def find_packages(venv: Path) -> Path:
    return next(venv.glob("lib/python3*/site-packages"))


def await_health(client: httpx.Client, process: subprocess.Popen[bytes], log: Path) -> None:
    """Until it answers, if only with the redirect that its first installation gives to every call.

    Raises AssertionError with the end of its log when it does not come up.
    """
    deadline_s = time.monotonic() + START_WITHIN_S
    while time.monotonic() < deadline_s and process.poll() is None:
        try:
            if client.get("/api/v1/health").status_code < httpx.codes.BAD_REQUEST:
                return
        except httpx.TransportError:
            pass
        select.select([], [], [], PAUSE_S)
    raise AssertionError(f"LNbits did not come up: {log.read_text(errors='replace')[-2000:]}")


def sign_in(client: httpx.Client) -> None:
    administrator = {"username": "judge", "password": PASSWORD, "password_repeat": PASSWORD}
    answer = client.put("/api/v1/auth/first_install", json=administrator)
    assert answer.status_code == httpx.codes.OK, answer.text
    client.headers["Authorization"] = f"Bearer {answer.json()['access_token']}"
