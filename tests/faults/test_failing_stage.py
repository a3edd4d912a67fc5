"""A stage that fails leaves what an earlier run wrote, committed or not."""

from conftest import digest

RESULTS = ("models/*.keras", "reports/*.*", "reports/figures/*/*.png")


def test_stages_that_fail_leave_the_earlier_models_numbers_and_pictures_in_place(trained, tmp_path):
    copy = trained.copied(tmp_path / "project")
    before = digest(copy.folder, *RESULTS)
    assert len(before) > 30
    paths = [copy.folder / f"pipeline/stages/{name}.py" for name in ("train", "evaluate", "explain")]
    code = [path.read_text() for path in paths]
    for path in paths:
        path.write_text("raise SystemExit('broken on purpose')\n")
    assert "broken on purpose" in copy.dvc("repro", "--keep-going", fails=True)
    assert digest(copy.folder, *RESULTS) == before
    # The same for stages whose network is there.
    paths[0].write_text(code[0])
    output = copy.dvc("repro", "--keep-going", fails=True)
    assert output.count("broken on purpose") == 2
    assert digest(copy.folder, *RESULTS) == before
    for path, text in zip(paths, code, strict=True):
        path.write_text(text)
    assert "Running stage" not in copy.dvc("repro")
