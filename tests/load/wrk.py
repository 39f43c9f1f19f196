"""wrk, a load generator of others: closed loops over kept connections, each answer looked at.

Source: https://github.com/wg/wrk (Apache-2.0), Debian's package unpacked into var/bench by `make bench`; one on PATH is
used instead.
"""

import json
import os
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

from tests.committed import ROOT

UNPACKED = ROOT / "var" / "bench" / "wrk" / "usr"
SCRIPT = """
local number = 0
local wrong = 0
local threads = {}
function setup(thread) table.insert(threads, thread) end
function init(args) math.randomseed(os.time()); start = math.random(1, 1000000000) end
wrk.method = "POST"
%(headers)s
local path, before, after, proof = %(path)s, %(before)s, %(after)s, %(proof)s
function request()
  number = number + 1
  return wrk.format(nil, path, nil, before .. start .. "-" .. number .. after)
end
function response(status, headers, body)
  if status ~= 200 or not string.find(body, proof, 1, true) then wrong = wrong + 1; bad = status .. " " .. body end
end
function done(summary, latency, requests)
  local wrong, bad = 0, ""
  for _, thread in ipairs(threads) do wrong = wrong + thread:get("wrong"); bad = thread:get("bad") or bad end
  local shape = "\\n@{\\"requests\\":%%d,\\"duration_us\\":%%d,\\"wrong\\":%%d,\\"p50_us\\":%%d,\\"p95_us\\":%%d,"
  shape = shape .. "\\"p99_us\\":%%d,\\"lost\\":%%d}\\n"
  io.write(string.format(shape, summary.requests, summary.duration, wrong, latency:percentile(50),
    latency:percentile(95), latency:percentile(99),
    summary.errors.connect + summary.errors.read + summary.errors.write + summary.errors.timeout))
  if wrong > 0 then io.write("@@" .. string.sub(bad, 1, 300) .. "\\n") end
end
"""


@dataclass(frozen=True, slots=True)
class Call:
    """A POST whose body holds a number of its own each time, between `before` and `after`; an answer has `proof`."""

    url: str
    path: str
    before: str
    after: str
    proof: str
    headers: dict[str, str]


@dataclass(frozen=True, slots=True)
class Loaded:
    requests: int
    duration_us: int
    wrong: int
    lost: int
    p50_us: int
    p95_us: int
    p99_us: int

    @property
    def rate(self) -> float:
        return self.requests / self.duration_us * 1e6


def find_wrk() -> list[str] | None:
    """How it is started; None: it is not there."""
    if (UNPACKED / "bin" / "wrk").exists():
        return [str(UNPACKED / "bin" / "wrk")]
    found = shutil.which("wrk")
    return [found] if found else None


def load(call: Call, *, clients: int, seconds: float, folder: Path) -> Loaded:
    """Raises RuntimeError where wrk says nothing of use."""
    script = folder / f"{uuid4()}.lua"
    headers = "\n".join(f"wrk.headers[{_quote(name)}] = {_quote(value)}" for name, value in call.headers.items())
    words = {"path": call.path, "before": call.before, "after": call.after, "proof": call.proof}
    text = SCRIPT % ({name: _quote(value) for name, value in words.items()} | {"headers": headers})
    script.write_text(text.replace("local wrong = 0", "wrong = 0"), encoding="utf-8")
    libraries = ":".join(str(path) for path in sorted((UNPACKED / "lib").glob("*-linux-gnu")))
    command = [*(find_wrk() or ["wrk"]), "-t1", f"-c{clients}", f"-d{seconds:g}s", "--timeout", "30s"]
    done = subprocess.run(
        [*command, "-s", str(script), call.url],
        env={**os.environ, "LD_LIBRARY_PATH": libraries} if libraries else None,  # noqa: TID251 - of another program
        capture_output=True,
        text=True,
        check=False,
    )
    lines = [line for line in done.stdout.splitlines() if line.startswith("@")]
    if not lines:
        raise RuntimeError(f"wrk failed: {done.stdout[-500:]} {done.stderr[-500:]}")
    if len(lines) > 1:
        print(f"  a wrong answer: {lines[1][2:]}")
    return Loaded(**json.loads(lines[0][1:]))


def _quote(text: str) -> str:
    return json.dumps(text)
