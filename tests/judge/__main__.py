"""`python -m tests.judge TOOLS` (`make judge`): tools of others, whose programs are in the folder TOOLS, judge the API.

1. schemathesis, all checks, against a real web process: as a box, an app, an owner, an operator and a shop.
2. openapi-python-client makes a client of the document; mypy checks it and its use strictly; then it is used.
3. Each filter between tenants is taken out of a copy of the source: the access matrix must fail.
The services and the database are new, as for the benchmarks.
"""

import os
import sys
import tempfile
from pathlib import Path

import django

EXAMPLES = "20"
ENVIRON = os.environ  # noqa: TID251 - it is set up here, before the settings are read


def main(tools: Path) -> int:
    with tempfile.TemporaryDirectory(prefix="dazbox-judge-") as home:
        Path(home).chmod(0o711)  # started by root, PostgreSQL runs as another user, who must reach his part of it
        ENVIRON["DAZBOX_TEST_HOME"] = f"{home}/services"
        ENVIRON.setdefault("DJANGO_SETTINGS_MODULE", "mcp_saas.settings.test")
        from tests import engines

        ENVIRON["RATE_LIMIT_SCALE"] = "1000000"
        try:
            django.setup()
            from tests.judge.filters import judge_filters
            from tests.judge.verdict import judge
            from tests.load.database import empty_database

            with empty_database():
                found = judge(tools.resolve(), Path(home), examples=EXAMPLES)
            return judge_filters(Path(home)) or found
        finally:
            for stop in engines._stops:
                stop()


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
