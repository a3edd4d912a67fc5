"""What the machine computes with: precision and processor."""

import platform

import pytest

from pipeline.network import machine

CPUINFO = """processor\t: 0
model name\t: a CPU
flags\t\t: fpu sse2 {}

processor\t: 1
flags\t\t: fpu sse2 {}
"""


@pytest.mark.parametrize(
    ("flag", "expected"),
    [("avx512_bf16", True), ("amx_bf16", True), ("avx512f", False), ("avx512_bf16_not", False)],
)
def test_a_cpu_has_bfloat16_when_linux_names_its_instructions(flag, expected, tmp_path):
    path = tmp_path / "cpuinfo"
    path.write_text(CPUINFO.format(flag, flag))
    assert bool(machine.CPU_FLAGS & machine.cpu_flags(path)) == expected


def test_where_linux_names_nothing_there_are_no_flags(tmp_path):
    assert machine.cpu_flags(tmp_path / "missing") == set()
    assert machine.processor(tmp_path / "missing") == platform.machine()


def test_processors_of_one_name_are_told_apart_by_their_numbers(tmp_path):
    path, found = tmp_path / "cpuinfo", set()
    for model in (17, 1):
        path.write_text(CPUINFO.replace("flags", f"cpu family: 25\nmodel : {model}\nflags"))
        found.add(machine.processor(path))
    assert found == {"a CPU, cpu family 25, model 17", "a CPU, cpu family 25, model 1"}


@pytest.mark.parametrize(
    ("wanted", "mixed", "found", "expected"),
    [
        ("auto", True, True, "mixed_bfloat16"),
        ("auto", True, False, "float32"),
        ("auto", False, True, "float32"),
        ("float32", True, True, "float32"),
        ("mixed_bfloat16", False, False, "mixed_bfloat16"),
    ],
)
def test_auto_asks_the_recipe_and_the_processor(monkeypatch, wanted, mixed, found, expected):
    monkeypatch.setattr(machine, "has_bfloat16", lambda: found)
    assert machine.dtype_policy(wanted, mixed=mixed) == expected
