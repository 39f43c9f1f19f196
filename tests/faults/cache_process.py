"""A process that asks the cache: `cache_process.py URL NAMESPACE THREADS EXPECTED LEASE_S`.

It prints a line for each value it makes, which takes until EXPECTED callers everywhere have missed it, and at its end
what its callers got. With EXPECTED 0 it makes for ever: whoever started it kills it.
"""

import sys
import threading
from concurrent.futures import ThreadPoolExecutor

from mcp_saas.kit.cache import Cache

KIND, TENANT = "node_info", "a box"


def main(url: str, namespace: str, *, threads: int, expected: int, lease_s: float) -> None:
    cache = Cache(url, namespace, lease_s=lease_s)

    def make() -> bytes:
        print("makes", flush=True)
        while not expected or (cache.read_statistics() or {})[KIND].misses < expected:
            threading.Event().wait(0.02)
        return b"made"

    with ThreadPoolExecutor(threads) as pool:
        for answer in pool.map(lambda _: cache.get_or_make(KIND, TENANT, arguments=None, make=make), range(threads)):
            print(answer.value.decode(), flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:3], threads=int(sys.argv[3]), expected=int(sys.argv[4]), lease_s=float(sys.argv[5]))
