"""One job of a worker in a process of its own: python -m tests.faults.apply_process TENANT URL MACAROON CERT"""

import sys
from pathlib import Path
from uuid import UUID

import django


def main() -> None:
    tenant_id, url, macaroon, certificate = sys.argv[1:]
    django.setup()
    from nodes.pipeline.apply import apply_actions
    from nodes.sources.driver.config import DriverConfig
    from nodes.sources.node import open_driver
    from tenants.context import enter_tenant
    from tenants.selectors import find_active_tenant

    tenant = find_active_tenant(UUID(tenant_id))
    assert tenant is not None
    secret, pem = Path(macaroon).read_bytes().hex(), Path(certificate).read_text()
    config = DriverConfig(implementation="lnd", url=url, secret=secret, certificate=pem, pubkey=tenant.pubkey)
    with enter_tenant(tenant), open_driver(config) as driver:
        print(apply_actions(driver))


if __name__ == "__main__":
    main()
