"""What the tests of the server share: a server process with the fake model, and a client of it."""

import pytest
from server_process import ServerProcess


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    """One server for all tests of a file that do no lasting harm to it."""
    with ServerProcess(folder=tmp_path_factory.mktemp("server")) as server:
        yield server.loaded()


@pytest.fixture
def client(server):
    client = server.client()
    yield client
    client.send("/notify", 0)
    client.close()
