"""Settings are read once, typed; wrong ones stop the boot with a hint."""

from pathlib import Path

import pytest

from mcp_saas.settings.database import parse_database_url
from mcp_saas.settings.environment import SECRETS_DIR, Environment, read_environment

ROOT = Path(__file__).resolve().parents[3]
GOOD_SECRET = "x" * 50


@pytest.fixture
def bare(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> pytest.MonkeyPatch:
    """No setting is given: not in the environment, not in a file."""
    monkeypatch.chdir(tmp_path)
    for name in (*Environment.model_fields, SECRETS_DIR):
        monkeypatch.delenv(name.upper(), raising=False)
    return monkeypatch


def test_the_example_lists_every_setting_and_no_other() -> None:
    lines = (ROOT / ".env.example").read_text(encoding="utf-8").splitlines()
    listed = [line.split("=")[0] for line in lines if line and not line.startswith("#")]
    assert listed == [name.upper() for name in Environment.model_fields]


def test_the_example_shows_the_real_defaults(bare: pytest.MonkeyPatch) -> None:
    example = ROOT / ".env.example"
    assert Environment(_env_file=example) == Environment(_env_file=None)


@pytest.mark.parametrize(
    ("environment", "hint"),
    [
        ({"PROFILE": "test"}, "PROFILE"),
        ({"CYCLE_PERIOD_S": "soon"}, "CYCLE_PERIOD_S"),
        ({"DATABASE_URL": "sqlite:///x"}, "DATABASE_URL"),
        ({"PROFILE": "production"}, "SECRET_KEY"),
        ({"CORS_ALLOWED_ORIGINS": "*"}, "CORS_ALLOWED_ORIGINS"),
        ({"CORS_ALLOWED_ORIGINS": "https://app.example.com/"}, "CORS_ALLOWED_ORIGINS"),
    ],
)
def test_a_wrong_setting_is_named(
    bare: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], environment: dict[str, str], hint: str
) -> None:
    for name, value in environment.items():
        bare.setenv(name, value)
    with pytest.raises(SystemExit) as stopped:
        read_environment()
    assert stopped.value.code == 78
    assert hint in capsys.readouterr().err


def test_a_secret_may_lie_in_a_file(bare: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "secrets").mkdir()
    (tmp_path / "secrets" / "secret_key").write_text(GOOD_SECRET)
    bare.setenv("PROFILE", "production")
    bare.setenv("SECRETS_DIR", str(tmp_path / "secrets"))
    bare.setenv("JWT_KEYS_DIR", str(tmp_path))
    assert read_environment().secret_key.get_secret_value() == GOOD_SECRET


def test_a_database_url_names_a_socket_or_a_host() -> None:
    by_socket = parse_database_url("postgresql://app:p%40ss@/dazbox?host=/run/pg")
    assert (by_socket["HOST"], by_socket["USER"], by_socket["PASSWORD"], by_socket["NAME"]) == (
        "/run/pg", "app", "p@ss", "dazbox",
    )  # fmt: skip
    by_host = parse_database_url("postgresql://app@db.example.com:5433/dazbox?sslmode=verify-full")
    assert (by_host["HOST"], by_host["PORT"]) == ("db.example.com", "5433")
    assert by_host["OPTIONS"]["sslmode"] == "verify-full"
