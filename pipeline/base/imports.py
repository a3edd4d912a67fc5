"""Which files of this project a file imports, directly or through others."""

import ast
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def closure(script: Path) -> list[Path]:
    """The files of `pipeline/` that a script's result may depend on: itself and all that it imports.

    Imports count wherever they stand, also within functions. The paths are relative to the project's
    top folder, and sorted.
    """
    done: set[Path] = set()
    waiting = {script.resolve()}
    while waiting:
        done.add(current := waiting.pop())
        waiting |= imported(current) - done
    return sorted(path.relative_to(ROOT) for path in done)


def imported(path: Path) -> set[Path]:
    """The files of this project that one file imports by name; an `__init__` changes no result."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
    files = [ROOT / f"{name.replace('.', '/')}.py" for name in found if name.startswith("pipeline.")]
    return {file for file in files if file.is_file()}
