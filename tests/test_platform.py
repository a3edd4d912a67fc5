"""What Windows lacks is used nowhere: every process of the tests' projects refuses it to our code."""

import os
import subprocess
import sys

import pytest
from conftest import ROOT, environment

NO_POSIX = ROOT / "tests/helpers/no_posix"


@pytest.mark.parametrize(
    ("code", "works"),
    [
        ("import fcntl", False),
        ("from resource import getrlimit", False),
        ("import os; os.killpg(0, 0)", False),
        ("import os; os.uname()", False),
        # A library of its own branches may.
        ("import psutil; psutil.Process().parents()", True),
        ("import os; os.cpu_count()", True),
    ],
)
def test_posix_is_refused_to_our_code_and_to_no_library(tmp_path, code, works):
    script = tmp_path / "pipeline" / "script.py"
    script.parent.mkdir()
    script.write_text(code)
    done = subprocess.run([sys.executable, script], env=environment(), capture_output=True, text=True)
    assert (done.returncode == 0) == works, done.stderr
    assert works or "is not there on Windows" in done.stderr


def test_every_process_of_a_project_is_run_so(project):
    paths = project.run("python", "-c", "import os; print(os.environ['PYTHONPATH'])").strip()
    assert str(NO_POSIX) in paths.split(os.pathsep)
