"""Whether the ports we are about to listen on are free, asked before anything is started."""

import errno
import socket
from collections.abc import Mapping

from mcp_saas.embedded.errors import LaunchError
from mcp_saas.embedded.options import WRONG_OPTION

HOST = "127.0.0.1"
STEP = 10  # from a taken port to the one to propose


def check_ports(ports: Mapping[str, int]) -> None:
    """`ports` by the variable that chooses them. Raises LaunchError (exit code 2) for the first that is taken."""
    for name, port in ports.items():
        if problem := find_problem(port):
            other = next((free for free in range(port + STEP, 65_536, STEP) if not find_problem(free)), None)
            proposal = f": choose another with `make run {name}={other}`" if other else ""
            raise LaunchError(f"Port {port} {problem}{proposal}", WRONG_OPTION)


def is_listening(port: int) -> bool:
    try:
        with socket.create_connection((HOST, port), timeout=0.5):
            return True
    except OSError:
        return False


def find_problem(port: int) -> str:
    """Empty if we can listen there. Only connecting shows, on every system, a server that has it on all addresses."""
    if is_listening(port):
        return "is in use"
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as listener:
        listener.setsockopt(
            socket.SOL_SOCKET, socket.SO_REUSEADDR, 1
        )  # what a server of a moment ago left is no obstacle
        try:
            listener.bind((HOST, port))
        except OSError as error:
            return "is in use" if error.errno == errno.EADDRINUSE else "is reserved for root"
    return ""
