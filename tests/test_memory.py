"""How much memory there is, as the system tells it."""

import pytest

from pdbridge import memory


@pytest.fixture
def system(tmp_path, monkeypatch):
    """A made-up /proc and /sys/fs/cgroup."""
    monkeypatch.setattr(memory, "PROC", tmp_path / "proc")
    monkeypatch.setattr(memory, "CGROUPS", tmp_path / "cgroup")

    def write(path, text):
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text(text)

    return write


def test_the_machine_says_what_is_available(system):
    system("proc/meminfo", "MemTotal: 8000 kB\nMemFree: 10 kB\nMemAvailable:    2000 kB\n")
    assert memory.free_memory() == 2000 * 1024


@pytest.mark.parametrize("line, limit, used, cached", [
    ("0::/box/inner", "box/memory.max", "box/memory.current", "inactive_file"),
    ("4:cpu,memory:/box/inner", "memory/box/memory.limit_in_bytes", "memory/box/memory.usage_in_bytes",
     "total_inactive_file"),
])
def test_a_container_may_take_less_than_the_machine_has(system, line, limit, used, cached):
    system("proc/meminfo", "MemAvailable: 2000000 kB\n")
    system("proc/self/cgroup", f"9:pids:/other\n{line}\n")
    system(f"cgroup/{limit}", "1000000\n")
    system(f"cgroup/{used}", "700000\n")
    assert memory.free_memory() == 300000
    system(f"cgroup/{limit.rpartition('/')[0]}/memory.stat", f"anon 5\n{cached} 200000\n")
    assert memory.free_memory() == 500000
    system(f"cgroup/{used}", "1300000\n")
    assert memory.free_memory() == 0


def test_a_group_without_a_limit_does_not_count(system):
    system("proc/meminfo", "MemAvailable: 2000 kB\n")
    system("proc/self/cgroup", "0::/box\n")
    system("cgroup/box/memory.max", "max\n")
    system("cgroup/box/memory.current", "700000\n")
    assert memory.free_memory() == 2000 * 1024


def test_without_an_answer_half_of_the_memory_or_a_modest_amount_is_assumed(system, monkeypatch):
    monkeypatch.setattr(memory.os, "sysconf", {"SC_PHYS_PAGES": 1000, "SC_PAGE_SIZE": 4096}.__getitem__,
                        raising=False)
    assert memory.free_memory() == 1000 * 4096 // 2
    monkeypatch.delattr(memory.os, "sysconf")
    assert memory.free_memory() == memory.MODEST


def test_this_machine_has_memory():
    assert memory.free_memory() > 0
