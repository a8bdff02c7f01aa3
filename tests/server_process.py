"""A real server process for tests, and an OSC client that talks to it."""

import os
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from pdbridge.hosts.wire import decode, encode
from pdbridge.session import free_port

TESTS = Path(__file__).parent
FAKE = "fake_model:load"
FAKE_SING = "fake_sing:load"
PATIENCE = 20.0  # s


class Client:
    """An OSC client with a socket of its own."""

    def __init__(self, port):
        self.server = ("127.0.0.1", port)
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4 << 20)
        self.socket.bind(("127.0.0.1", 0))
        self.waiting = []

    def send(self, address, *arguments):
        self.socket.sendto(encode(address, *arguments), self.server)

    def send_raw(self, packet):
        self.socket.sendto(packet, self.server)

    def receive(self, timeout=PATIENCE):
        """The next message, or None after `timeout` seconds."""
        self.socket.settimeout(max(timeout, 0.001))
        try:
            packet, _ = self.socket.recvfrom(65536)
        except (socket.timeout, BlockingIOError, ConnectionError):
            return None
        return decode(packet)[0]

    def expect(self, address, *first, timeout=PATIENCE):
        """Wait for a message to `address` whose first arguments are these; its arguments."""
        seen, until = [], time.monotonic() + timeout
        while time.monotonic() < until:
            message = self.receive(until - time.monotonic())
            if message is None:
                break
            seen.append(message)
            if message[0] == address and list(message[1][:len(first)]) == list(first):
                return message[1]
        raise AssertionError(f"no {address} {first} within {timeout} s; there came "
                             f"{[(a, [str(x)[:80] for x in v[:6]]) for a, v in seen[-20:]]}")

    def ask(self, address, *arguments, answer=None, timeout=PATIENCE):
        """Send and wait for the answer (``/done address``, unless `answer` names another)."""
        self.send(address, *arguments)
        if answer:
            return self.expect(answer, timeout=timeout)
        return self.expect("/done", address, timeout=timeout)[1:]

    def status(self):
        values = self.ask("/status", answer="/status.reply")
        return dict(zip(values[::2], values[1::2]))

    def until(self, condition, timeout=PATIENCE):
        """Wait until the status fulfils a condition; the status."""
        until = time.monotonic() + timeout
        while time.monotonic() < until:
            status = self.status()
            if condition(status):
                return status
            time.sleep(0.02)
        raise AssertionError(f"the status never came: {status}")

    def close(self):
        self.socket.close()


class ServerProcess:
    """``pdbridge serve`` with a fake model unless said otherwise, on a free port.

    `settings` are constants of modules that are changed in it, e.g. ``pdbridge.jobs.LONGEST_PIECE``.
    What it writes is collected, see `output`.
    """

    def __init__(self, model="fake", loader=FAKE, folder=None, port=None, midi_in=None, env=None,
                 settings=None, grid=None, sing_loader=FAKE_SING):
        self.port = port or free_port()
        folder = Path(folder or ".").resolve()
        if loader == FAKE and model and not model.endswith((".th", ".npz")):
            (folder / model).mkdir(exist_ok=True)
        settings = "".join(f"import {name.rpartition('.')[0]}; {name} = {value!r}; "
                           for name, value in (settings or {}).items())
        code = (f"import sys; from pdbridge.server import serve; {settings}"
                f"sys.exit(serve(port={self.port}, model={model!r}, loader={loader!r}, "
                f"midi_in={midi_in!r}, grid={grid!r}, sing_loader={sing_loader!r}))")
        paths = [str(TESTS), str(TESTS.parent), os.environ.get("PYTHONPATH", "")]
        environment = {**os.environ, "PDBRIDGE_CACHE": str(folder / "cache"), **(env or {}),
                       "PYTHONPATH": os.pathsep.join(paths)}
        self.started = time.monotonic()
        self.folder = folder
        self._output = tempfile.TemporaryFile("w+", dir=folder)
        self.process = subprocess.Popen([sys.executable, "-u", "-c", code], cwd=folder,
                                        env=environment, stdout=self._output,
                                        stderr=subprocess.STDOUT)
        self.clients = []

    def client(self):
        client = Client(self.port)
        self.clients.append(client)
        return client

    def wait(self):
        """Wait until it answers; the seconds from its start to its first answer."""
        client = self.client()
        while time.monotonic() - self.started < PATIENCE:
            client.send("/status")
            message = client.receive(0.01)
            if message and message[0] == "/status.reply":
                return time.monotonic() - self.started
            if self.process.poll() is not None:
                raise AssertionError(f"the server ended with code {self.process.returncode}: "
                                     + self.output())
        raise AssertionError("the server does not answer")

    def loaded(self):
        """Wait until its own model is loaded; self."""
        self.wait()
        self.client().until(lambda status: status["model"] != "none", timeout=60)
        return self

    def output(self):
        """What it wrote so far."""
        self._output.seek(0)
        return self._output.read()

    def kill(self):
        self.process.kill()
        self.process.wait()

    def end(self):
        """Ask it to end, wait, and give what it wrote."""
        self.process.terminate()
        self.process.wait(10)
        return self.output()

    def close(self):
        for client in self.clients:
            client.close()
        if self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(10)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()

    def __enter__(self):
        return self

    def __exit__(self, *error):
        self.close()
