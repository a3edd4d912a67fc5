"""Run every command of the documents from their text: `make docs`, a quarter of an hour.

The blocks marked `bash` of one document run in order, in one clone. Its defaults are few digits and a recipe
of three epochs, so that a run takes seconds; its origin is a bare repository beside it.
"""

import re
import subprocess
from pathlib import Path

import numpy as np
import pytest
from conftest import ROOT, Project, environment, made_once
from PIL import Image
from sklearn.datasets import load_digits

PAGES = [f"docs/{path.name}" for path in ROOT.glob("docs/*.md")]
DOCUMENTS = ["README.md", "data/external/README.md", *PAGES]
# Commands that cannot run here, by their beginning, with the reason.
NOT_RUN = {
    "git clone": "a clone within a clone; .ci/run starts in a fresh one",
    "make ": ".ci/run calls the targets, on the real data",
    "python -m venv": "the Makefile makes the same environment, for these tests",
    "source .venv": "it is active",
    "pip install": "the Makefile installs the same files; others are of no use here",
    "ray start": "tests/sweeps/test_cluster starts the nodes",
    "export RAY_": "tests/sweeps/test_cluster sets them",
    "filterscope sweep hydra/launcher=ray_cluster": "tests/sweeps/test_cluster runs it on two nodes",
    "filterscope sweep hydra/launcher=submitit_slurm": "no SLURM",
}
# What a reader puts there, and fewer seeds.
INSTEAD = {
    "https://github.com/OWNER/filterscope": "$ORIGIN",
    "REPOSITORY": "$ORIGIN",
    "/shared/": "$OUTSIDE/",
    " NAME": " $(dvc exp list --name-only | head -n 1)",
    "seed=1,2,3": "seed=1,2",
}


def _small(folder: Path) -> None:
    """A project with small defaults, run and committed."""
    made = Project(folder)
    for name in ("README.md", "README.ko.md", "docs"):
        subprocess.run(["cp", "-r", "--parents", name, folder], cwd=ROOT, check=True)
    _digits(folder)
    own = made.read("conf/data/npz.yaml").replace("arrays", "small").replace("28, 28", "24, 24")
    (folder / "conf/data/small.yaml").write_text(own.replace("name: npz", "name: small"))
    made.edit("conf/config.yaml", "data: fashion_mnist", "data: small")
    made.edit("conf/config.yaml", "train: default", "train: smoke")
    made.edit("conf/visualize/default.yaml", "num_mistakes: 20 ", "num_mistakes: 4 ")
    text = re.sub(r'(model.filters: )".*"', r'\1"[8,16],[4,8]"', made.read("sweeping/filters.yaml"))
    (folder / "sweeping/filters.yaml").write_text(text.replace("1,2,3,4,5", "1,2"))
    made.dvc("add", "data/external/small")
    made.dvc("remote", "add", "--default", "here", str(folder.parent / "documents-remote"))
    made.dvc("repro")
    made.commit()


def _digits(folder: Path) -> None:
    """scikit-learn's digits at three times their size, so that deeper networks fit."""
    digits = load_digits()
    images = np.kron(digits.images[:800] * 15.9, np.ones((3, 3))).astype(np.uint8)
    labels = digits.target[:800].astype(np.uint8)
    (folder / "data/external/small").mkdir(parents=True)
    _save(folder / "data/external/small/digits.npz", images[200:], labels[200:], images[:200], labels[:200])


def _save(path: Path, *arrays: np.ndarray) -> None:
    np.savez(path, **dict(zip(("x_train", "y_train", "x_test", "y_test"), arrays, strict=True)))


def _pictures(folder: Path) -> None:
    """What a reader has: photos of two kinds, of several sizes; arrays like CIFAR-10's."""
    generator = np.random.default_rng(0)
    images = generator.integers(0, 255, size=(100, 32, 32, 3), dtype=np.uint8)
    (folder / "data/external/arrays").mkdir()
    _save(folder / "data/external/arrays/cifar10.npz", *(images, np.arange(100) % 10) * 2)
    for kind, shift in (("cat", 0), ("dog", 90)):
        for number in range(15):
            size = (30 + number, 40, 3)
            pixels = generator.integers(shift, shift + 150, size=size, dtype=np.uint8)
            path = folder / "data/external/pets" / kind / f"{number}.jpg"
            path.parent.mkdir(parents=True, exist_ok=True)
            Image.fromarray(pixels).save(path)
    (folder / "folder/of/photos").mkdir(parents=True)
    for path in ("new.jpg", "folder/of/photos/1.jpg"):
        Image.fromarray(pixels).save(folder / path)


def _commands(document: str) -> list[str]:
    """The commands of the blocks marked `bash`, without comments."""
    text = (ROOT / document).read_text(encoding="utf-8")
    blocks = re.findall(r"^ *```bash\n(.*?)^ *```$", text, re.MULTILINE | re.DOTALL)
    lines = "".join(blocks).replace("\\\n", " ").splitlines()
    return [command for line in lines if (command := re.sub(r"(^|\s+)#.*", "", line).strip())]


@pytest.mark.parametrize("document", [one for one in DOCUMENTS if _commands(one)])
def test_the_commands_of_a_document_run(document, tmp_path, tmp_path_factory, worker_id):
    small = Project.existing(made_once(tmp_path_factory, worker_id, "documents", _small))
    project = small.copied(tmp_path / "project")
    origin = str(tmp_path / "filterscope.git")
    subprocess.run(["git", "clone", "--quiet", "--bare", project.folder, origin], check=True)
    project.run("git", "remote", "add", "origin", origin)
    project.run("git", "push", "--quiet", "--set-upstream", "origin", "main")
    project.run("git", "fetch", "--quiet")
    _pictures(project.folder)
    (tmp_path / "outside").mkdir()
    variables = environment() | {"ORIGIN": origin, "OUTSIDE": str(tmp_path / "outside")}
    for command in _commands(document):
        if reason := next((why for start, why in NOT_RUN.items() if command.startswith(start)), None):
            print(f"not run: {command}: {reason}")
            continue
        for text, value in INSTEAD.items():
            command = command.replace(text, value)
        shell = ["bash", "-o", "pipefail", "-c", command]
        done = subprocess.run(shell, cwd=project.folder, env=variables, capture_output=True, text=True)
        # 1 and 2 are its answers.
        allowed = {0, 1, 2} if "--fail-on-regression" in command else {0}
        assert done.returncode in allowed, f"{command}\n{done.stdout[-3000:]}{done.stderr[-3000:]}"
