"""A process starts with good settings, and says which are wrong where they are not."""

import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.fault
ROOT = Path(__file__).resolve().parents[2]
GOOD_SECRET = "x" * 50


def boot(tmp_path: Path, code: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """A process of its own with this environment and no other."""
    given = {"PATH": "/usr/bin:/bin", "PYTHONPATH": str(ROOT)} | environment
    command = [sys.executable, "-c", code]
    return subprocess.run(command, cwd=tmp_path, env=given, capture_output=True, text=True, check=False)


def test_wrong_settings_stop_the_boot_with_a_line_each(tmp_path: Path) -> None:
    done = boot(tmp_path, "import mcp_saas.settings.base", PROFILE="test", CYCLE_PERIOD_S="soon")
    assert done.returncode == 78
    assert [line.split(":")[0] for line in done.stderr.splitlines()] == [
        "Wrong setting PROFILE",
        "Wrong setting CYCLE_PERIOD_S",
    ]


def test_without_its_keys_the_web_does_not_boot_and_the_commands_that_make_them_do(tmp_path: Path) -> None:
    given = {"PROFILE": "production", "SECRET_KEY": GOOD_SECRET, "DJANGO_SETTINGS_MODULE": "mcp_saas.settings.prod"}
    given |= {"JWT_KEYS_DIR": str(tmp_path / "jwt"), "MASTER_KEYS_DIR": str(tmp_path / "master")}
    for setting, command in (("JWT_KEYS_DIR", "add_jwt_key"), ("MASTER_KEYS_DIR", "add_master_key")):
        done = boot(tmp_path, "import mcp_saas.wsgi", **given)
        assert done.returncode == 1
        assert f"({setting}): make one with `manage.py {command}`" in done.stderr.splitlines()[-1]
        add_key = (
            f"from django.core.management import execute_from_command_line as run; run(['manage.py', '{command}'])"
        )
        assert boot(tmp_path, add_key, **given).returncode == 0
    assert boot(tmp_path, "import mcp_saas.wsgi", **given).returncode == 0


def test_production_settings_refuse_the_dev_profile(tmp_path: Path) -> None:
    done = boot(tmp_path, "import mcp_saas.settings.prod")
    assert done.returncode == 1
    assert "PROFILE" in done.stderr


def test_a_secret_is_changed_by_files_alone(tmp_path: Path) -> None:
    (tmp_path / "secret_key").write_text("n" * 50)
    (tmp_path / "secret_key_fallbacks").write_text(f"{GOOD_SECRET},{'y' * 50}\n")
    code = "from mcp_saas.settings.prod import *; print(SECRET_KEY, *SECRET_KEY_FALLBACKS)"
    done = boot(tmp_path, code, PROFILE="production", SECRETS_DIR=str(tmp_path), JWT_KEYS_DIR=str(tmp_path))
    assert done.stdout.split() == ["n" * 50, GOOD_SECRET, "y" * 50], done.stderr


@pytest.mark.parametrize("profile", ["staging", "production"])
def test_deployed_settings_pass_the_deployment_check(tmp_path: Path, profile: str) -> None:
    given = {
        "PATH": "/usr/bin:/bin",
        "PROFILE": profile,
        "SECRET_KEY": "9f2b7c1d5e8a4f60b3c7d9e1f5a2b8c4d6e0f7a1b3c5d9e2f4a6b8c0",
        "JWT_KEYS_DIR": str(tmp_path),
        "ALLOWED_HOSTS": "api.example.com",
        "DJANGO_SETTINGS_MODULE": "mcp_saas.settings.prod",
    }
    command = [sys.executable, "manage.py", "check", "--deploy", "--fail-level", "WARNING"]
    done = subprocess.run(command, cwd=ROOT, env=given, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
