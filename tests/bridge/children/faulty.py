"""An MCP server that does wrong, each tool in its own way. It serves its calls one after the other, as fast_echo does.

--era legacy|modern|both    --probe die|silent|slow    what server/discover meets
--banner                    words before the first message
--stubborn                  it outlives the end of its input, and SIGTERM
"""

import json
import os
import resource
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

from fast_echo import Era, RefusedError, make_tool

Message = dict[str, Any]
FLOOD = b"the same words again and again, and a number of no meaning: 0123456789\n"


class Child:
    def __init__(self, arguments: list[str]) -> None:
        self.era = Era(option(arguments, "--era") or "both")
        self.probe = option(arguments, "--probe")
        self.held: list[Any] = []  # ids of calls not answered yet
        self.cancelled: list[Any] = []
        self.asked: dict[str, Any] = {}  # id of our question -> id of the call that asked it
        self.slow: list[Message] = []

    def take(self, message: Message) -> None:
        method = message.get("method")
        if method is None:
            self.take_answer(message)
        elif method == "notifications/cancelled":
            self.cancelled.append(message["params"]["requestId"])
        elif "id" in message:
            self.take_request(message)

    def take_request(self, message: Message) -> None:
        params = message.get("params") or {}
        if message["method"] == "server/discover" and self.probe:
            self.meet_probe(message)
        elif message["method"] == "tools/call" and hasattr(self, f"do_{params['name']}"):
            getattr(self, f"do_{params['name']}")(
                message["id"], params.get("arguments") or {}, params.get("_meta") or {}
            )
        else:
            self.answer_plainly(message)
            while self.slow:
                self.answer_plainly(self.slow.pop())

    def meet_probe(self, message: Message) -> None:
        """`slow`: it is answered behind what comes next, as by one that still starts."""
        if self.probe == "die":
            os._exit(7)
        if self.probe == "slow":
            self.slow.append(message)
            self.era.is_modern = True

    def answer_plainly(self, message: Message) -> None:
        try:
            result = self.era.answer(message["method"], message.get("params") or {})
            if message["method"] == "tools/list":
                result = result | {"tools": [*result["tools"], *self.list_own()]}
            send({"id": message["id"], "result": result})
        except RefusedError as refused:
            send({"id": message["id"], "error": refused.error})

    def list_own(self) -> list[Message]:
        names = [name.removeprefix("do_") for name in dir(self) if name.startswith("do_")]
        return [make_tool(name, properties={}, required=[]) for name in names]

    def say(self, call_id: Any, text: str) -> None:
        send({"id": call_id, "result": make_result(text)})

    def take_answer(self, message: Message) -> None:
        call_id = self.asked.pop(message["id"], None)
        if call_id is None:
            return
        self.say(call_id, json.dumps(message.get("result", message.get("error"))))

    # What it does wrong.

    def do_crash(self, call_id: Any, arguments: Message, meta: Message) -> None:
        os._exit(3)

    def do_hang(self, call_id: Any, arguments: Message, meta: Message) -> None:
        """Until it is released; whoever wants progress is told that it began."""
        self.held.append(call_id)
        if "progressToken" in meta:
            notify("notifications/progress", {"progressToken": meta["progressToken"], "progress": 0})

    def do_mute(self, call_id: Any, arguments: Message, meta: Message) -> None:
        os.close(1)

    def do_release(self, call_id: Any, arguments: Message, meta: Message) -> None:
        """Answers all that hang, then this one."""
        held, self.held = self.held, []
        for one in held:
            self.say(one, "at last")
        self.say(call_id, str(len(held)))

    def do_cancelled(self, call_id: Any, arguments: Message, meta: Message) -> None:
        self.say(call_id, json.dumps([self.cancelled, self.held]))

    def do_flood(self, call_id: Any, arguments: Message, meta: Message) -> None:
        block = FLOOD * 1_000
        for _ in range(arguments["mb"] * (1 << 20) // len(block)):
            write(block, fd=arguments["fd"])
        self.say(call_id, "flooded")

    def do_junk(self, call_id: Any, arguments: Message, meta: Message) -> None:
        write(b'Loading ...\n\n{"half": \n[1, 2]\n"a string"\n\xff\xfe\n{"jsonrpc":"2.0"}\n')
        self.say(call_id, "said")

    def do_spoilt(self, call_id: Any, arguments: Message, meta: Message) -> None:
        write(b'{"jsonrpc":"2.0","id":%d,"result":{"content":[{]}}\n' % call_id)

    def do_twice(self, call_id: Any, arguments: Message, meta: Message) -> None:
        self.say(call_id, "first")
        self.say(call_id, "second")

    def do_foreign(self, call_id: Any, arguments: Message, meta: Message) -> None:
        for foreign in (call_id + 1, 10**9, str(call_id), None, True, [call_id]):
            self.say(foreign, "not yours")
        self.say(call_id, "yours")

    def do_array(self, call_id: Any, arguments: Message, meta: Message) -> None:
        answers = [{"jsonrpc": "2.0", "id": one, "result": make_result("in an array")} for one in (*self.held, call_id)]
        self.held = []
        write(json.dumps(answers).encode() + b"\n")

    def do_big(self, call_id: Any, arguments: Message, meta: Message) -> None:
        result = make_result("x" * arguments["bytes"])
        answer = {"jsonrpc": "2.0", "id": call_id, "result": result}
        if arguments.get("id_last"):
            answer = {"result": result, "jsonrpc": "2.0", "id": call_id}
        write(json.dumps(answer).encode() + b"\n")

    def do_deep(self, call_id: Any, arguments: Message, meta: Message) -> None:
        """As a notification, a question and an answer."""
        deep = b"[" * arguments["levels"] + b"]" * arguments["levels"]
        write(b'{"jsonrpc":"2.0","method":"notifications/deep","params":{"deep":%b}}\n' % deep)
        write(b'{"jsonrpc":"2.0","id":"deep","method":"elicitation/create","params":{"deep":%b}}\n' % deep)
        write(b'{"jsonrpc":"2.0","id":%d,"result":{"content":[],"deep":%b}}\n' % (call_id, deep))

    def do_length(self, call_id: Any, arguments: Message, meta: Message) -> None:
        self.say(call_id, str(len(arguments["text"])))

    def do_doze(self, call_id: Any, arguments: Message, meta: Message) -> None:
        """Answers, and reads no more of its input until a file is there."""
        self.say(call_id, "good night")
        while not Path(arguments["until"]).exists():
            signal.sigtimedwait([signal.SIGUSR1], 0.01)

    def do_wait(self, call_id: Any, arguments: Message, meta: Message) -> None:
        """Answers once a file is there, and does nothing else meanwhile."""
        while not Path(arguments["until"]).exists():
            signal.sigtimedwait([signal.SIGUSR1], 0.01)
        self.say(call_id, "waited")

    # What it shows.

    def do_state(self, call_id: Any, arguments: Message, meta: Message) -> None:
        limits = {
            name: resource.getrlimit(getattr(resource, name))
            for name in ("RLIMIT_DATA", "RLIMIT_NOFILE", "RLIMIT_CORE")
        }
        descriptors = {link.name: read_link(link) for link in Path("/proc/self/fd").iterdir()}
        state = {"environment": dict(os.environ), "descriptors": descriptors, "limits": limits, "nice": os.nice(0)}
        ignored = [number for number in range(1, 32) if signal.getsignal(number) == signal.SIG_IGN]
        self.say(call_id, json.dumps(state | {"cwd": str(Path.cwd()), "sid": os.getsid(0), "ignored": ignored}))

    def do_peek(self, call_id: Any, arguments: Message, meta: Message) -> None:
        """The names of the variables of another process."""
        try:
            variables = Path(f"/proc/{arguments['pid']}/environ").read_bytes().split(b"\0")
            self.say(call_id, json.dumps([variable.partition(b"=")[0].decode() for variable in variables]))
        except OSError as error:
            self.say(call_id, type(error).__name__)

    def do_hoard(self, call_id: Any, arguments: Message, meta: Message) -> None:
        try:
            self.say(call_id, str(len(bytearray(arguments["bytes"]))))
        except MemoryError:
            self.say(call_id, "no more memory")

    def do_spawn(self, call_id: Any, arguments: Message, meta: Message) -> None:
        """A child of its own that would live for long, on request in a session of its own."""
        own = arguments.get("own_session", False)
        child = subprocess.Popen(["sleep", "1000"], stdin=subprocess.DEVNULL, start_new_session=own)
        self.say(call_id, str(child.pid))

    def do_progress(self, call_id: Any, arguments: Message, meta: Message) -> None:
        if "progressToken" in meta:
            for step in range(arguments["steps"]):
                notify(
                    "notifications/progress", {"progressToken": meta["progressToken"], "progress": step, "extra": 1.50}
                )
        self.say(call_id, json.dumps(meta.get("progressToken")))

    def do_tell(self, call_id: Any, arguments: Message, meta: Message) -> None:
        notify(arguments["method"], arguments["params"])
        self.say(call_id, "told")

    def do_ask(self, call_id: Any, arguments: Message, meta: Message) -> None:
        """The answer to the question is the answer to the call."""
        self.asked[f"q{call_id}"] = call_id
        send({"id": f"q{call_id}", "method": arguments["method"], "params": arguments.get("params", {})})

    def do_ask_in_vain(self, call_id: Any, arguments: Message, meta: Message) -> None:
        """Asks, takes the question back, and answers to the answer it gets."""
        self.do_ask(call_id, arguments, meta)
        notify("notifications/cancelled", {"requestId": f"q{call_id}"})

    def do_meta(self, call_id: Any, arguments: Message, meta: Message) -> None:
        self.say(call_id, json.dumps(meta))


def option(arguments: list[str], name: str) -> str | None:
    return arguments[arguments.index(name) + 1] if name in arguments else None


def make_result(text: str) -> Message:
    return {"content": [{"type": "text", "text": text}], "resultType": "complete"}


def send(message: Message) -> None:
    write(json.dumps({"jsonrpc": "2.0"} | message).encode() + b"\n")


def notify(method: str, params: Message) -> None:
    send({"method": method, "params": params})


def write(data: bytes, *, fd: int = 1) -> None:
    view = memoryview(data)
    while view:
        view = view[os.write(fd, view) :]


def read_link(link: Path) -> str:
    try:
        return str(link.readlink())
    except OSError:
        return "gone"


def main() -> None:
    if "--banner" in sys.argv:
        write(b"Faulty 1.0\n{not json\n")
        write(b"ready\n", fd=2)
    if "--stubborn" in sys.argv:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
    child = Child(sys.argv)
    rest = b""
    while chunk := os.read(0, 1 << 16):
        *lines, rest = (rest + chunk).split(b"\n")
        for line in lines:
            child.take(json.loads(line))
    while "--stubborn" in sys.argv:
        signal.pause()


if __name__ == "__main__":
    main()
