"""The cores, instructions and devices of a machine, found without torch."""

import os

import pytest

from embedcache.encoders.processor import available_cores, computes_bfloat16, may_have_gpu


def write(root, files):
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


@pytest.mark.parametrize(
    ("own", "parent", "cores"),
    [
        ("max 100000", "max 100000", 99),
        ("150000 100000", "max 100000", 2),
        ("max", "50000 100000", 1),
    ],
)
def test_a_control_group_limits_the_cores(tmp_path, monkeypatch, own, parent, cores):
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(99)), raising=False)
    write(
        tmp_path,
        {
            "proc/self/cgroup": "1:name=systemd:/x\n0::/user/job\n",
            "sys/fs/cgroup/user/job/cpu.max": own + "\n",
            "sys/fs/cgroup/user/cpu.max": parent + "\n",
        },
    )
    assert available_cores(tmp_path) == cores


def test_a_control_group_of_version_1_limits_the_cores(tmp_path, monkeypatch):
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(99)), raising=False)
    quota, period = (f"sys/fs/cgroup/cpu/job/cpu.cfs_{name}_us" for name in ("quota", "period"))
    files = {"proc/self/cgroup": "4:cpu,cpuacct:/job\n", period: "100000\n"}
    write(tmp_path, files | {quota: "-1\n"})
    assert available_cores(tmp_path) == 99
    write(tmp_path, files | {quota: "250000\n"})
    assert available_cores(tmp_path) == 3


@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="this system has no affinity")
def test_the_affinity_of_a_process_limits_the_cores():
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {min(before)})
    try:
        assert available_cores() == 1
    finally:
        os.sched_setaffinity(0, before)


@pytest.mark.parametrize(
    ("info", "expected"),
    [
        ("processor : 0\nflags\t\t: fpu avx2 amx_bf16 amx_tile\n", True),
        ("processor : 0\nflags\t\t: fpu avx2 avx512f\n", False),
        ("processor : 0\nFeatures\t: fp asimd\n", None),  # ARM
    ],
)
def test_the_flags_of_the_processor_show_whether_it_multiplies_bfloat16(tmp_path, info, expected):
    write(tmp_path, {"proc/cpuinfo": info})
    assert computes_bfloat16(tmp_path) is expected


def test_bfloat16_support_is_unknown_on_other_systems(tmp_path):
    assert computes_bfloat16(tmp_path) is None


def test_on_linux_the_driver_of_a_gpu_makes_a_device_file(tmp_path, monkeypatch):
    monkeypatch.setattr("sys.platform", "linux")
    assert not may_have_gpu(tmp_path)
    write(tmp_path, {"dev/nvidiactl": ""})
    assert may_have_gpu(tmp_path)
