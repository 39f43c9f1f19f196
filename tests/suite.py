"""`make test` without ARGS: the whole suite, then the few tests that failed once more, by themselves.

One that fails beside others on a busy machine and passes alone tells nothing of the change that is tested. It is named
as SHAKY, a defect of the test or of the product that is to be mended, and fails nobody's run.
"""

import os
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

import msgspec
import pytest

MOST = 5  # more at once are no accident


def main(arguments: list[str]) -> int:
    """1 All tests, with these arguments of pytest; 2 where no more than a few failed, those again after all others."""
    before = dict(os.environ)  # noqa: TID251 - the services of the first run are none of the second's
    with TemporaryDirectory() as cache:
        options = ["-o", f"cache_dir={cache}"]
        code = int(pytest.main([*options, *arguments]))
        failed = read_failed(Path(cache))
        if code != pytest.ExitCode.TESTS_FAILED or len(failed) > MOST:
            return code
        print("\nThose which failed once more, by themselves:", flush=True)
        again = [sys.executable, "-m", "pytest", *options, "--last-failed", "--last-failed-no-failures", "none"]
        code = subprocess.run(again, env=before, check=False).returncode
        for name in sorted(failed - read_failed(Path(cache))):
            print(f"SHAKY, to be mended: {name} failed beside the others and passed by itself")
        return code


def read_failed(cache: Path) -> set[str]:
    """As `--last-failed` knows them."""
    noted = cache / "v" / "cache" / "lastfailed"
    return set(msgspec.json.decode(noted.read_bytes(), type=dict[str, bool])) if noted.exists() else set()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
