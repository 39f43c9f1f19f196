"""Tokens: what verifying one costs, kept or not; how many win a race for one refresh token, beside the stock way."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from uuid import uuid4

from django.db import connection

from tenants.tokens import access
from tenants.tokens.access import mint_access_token, verify_access_token
from tenants.tokens.refresh import issue_tokens, rotate_refresh
from tests.committed import ROOT, database_url, new_database
from tests.load.report import Report

ROUNDS, CLIENTS = 20, 8
STOCK_DATABASE = f"bench_stock_refresh_{os.getpid()}"


def measure() -> Report:
    raw = mint_access_token(subject="bench", scopes=["read"], tenant_id=uuid4()).encode()
    verify_us = cpu_us(lambda: access._verify(raw), repeat=1000)
    kept_us = cpu_us(lambda: verify_access_token(raw), repeat=20_000)
    ours, stock = [race_ours() for _ in range(ROUNDS)], race_stock(rounds=ROUNDS)
    figures = {
        "verify_us": verify_us,
        "verify_kept_us": kept_us,
        "clients": CLIENTS,
        "successors": ours,
        "stock": stock,
    }
    return Report(
        f"Tokens: ES256 verification, and {CLIENTS} refreshes of one token at once, {ROUNDS} times",
        figures,
        [
            ("CPU to verify an access token", f"{verify_us:.0f} us"),
            ("CPU while it is kept (4 s)", f"{kept_us:.1f} us"),
            ("Successors handed out, each time", f"{min(ours)} to {max(ours)}"),
            ("... by simplejwt's own rotation", f"{min(stock)} to {max(stock)}"),
        ],
    )


def cpu_us(run: Callable[[], object], *, repeat: int) -> float:
    start = time.thread_time()
    for _ in range(repeat):
        run()
    return round((time.thread_time() - start) / repeat * 1e6, 1)


def race_ours() -> int:
    """How many different successors of one refresh token are handed out."""
    token, start = issue_tokens(subject="bench", scope="read", dazbox=None).refresh, Barrier(CLIENTS, timeout=10)

    def refresh(_: int) -> str:
        connection.ensure_connection()
        start.wait()
        try:
            return rotate_refresh(token).refresh
        finally:
            connection.close()

    with ThreadPoolExecutor(CLIENTS) as pool:
        return len(set(pool.map(refresh, range(CLIENTS))))


def race_stock(*, rounds: int) -> list[int]:
    """The same of simplejwt's view with its blacklist, in a process and on a database of its own."""
    url = database_url(STOCK_DATABASE)
    command = [sys.executable, "-m", "tests.fakes.stock_refresh", url, str(rounds), str(CLIENTS)]
    with new_database(STOCK_DATABASE):
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True, timeout=100)
    return list(json.loads(done.stdout))
