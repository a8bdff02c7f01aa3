"""How much memory this process may still take."""

import os
from pathlib import Path

#: What is assumed where the system does not say, in bytes.
MODEST = 2**30

PROC = Path("/proc")
CGROUPS = Path("/sys/fs/cgroup")


def free_memory():
    """Memory that can be taken without pushing other programs out, in bytes (int).

    On Linux the smallest of what the machine and the process's control groups (containers) leave;
    elsewhere half of what is built in.
    """
    free = [room for room in (_of_machine(), *map(_of_group, _groups())) if room is not None]
    if free:
        return max(min(free), 0)
    try:
        return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") // 2
    except (AttributeError, OSError, ValueError):  # Windows
        return MODEST


def _of_machine():
    """What Linux says is available, or None."""
    for line in _text(PROC / "meminfo").splitlines():
        if line.startswith("MemAvailable:"):
            return int(line.split()[1]) * 1024
    return None


def _groups():
    """The folders of the process's control groups and of those around them, of both versions."""
    folders = []
    for line in _text(PROC / "self" / "cgroup").splitlines():
        _, controllers, path = line.split(":", 2)
        if controllers == "" or "memory" in controllers.split(","):
            root = CGROUPS if controllers == "" else CGROUPS / "memory"
            parts = [part for part in path.split("/") if part not in ("", "..")]
            folders += [root.joinpath(*parts[:depth]) for depth in range(len(parts) + 1)]
    return folders


def _of_group(folder):
    """What a control group leaves, or None where it sets no limit. Cached files count as free."""
    for limit, used, cached in (("memory.max", "memory.current", "inactive_file"),
                                ("memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file")):
        limit, used = _text(folder / limit).strip(), _text(folder / used).strip()
        if limit.isdigit() and used.isdigit():
            statistics = dict(line.split() for line in _text(folder / "memory.stat").splitlines())
            return int(limit) - int(used) + int(statistics.get(cached, 0))
    return None


def _text(path):
    try:
        return path.read_text(encoding="ascii", errors="replace")
    except OSError:
        return ""
