"""A stage that fails leaves what an earlier run wrote, committed or not."""

from conftest import digest

RESULTS = ("models/*.keras", "reports/*.*", "reports/figures/*/*.png")


def test_stages_that_fail_leave_the_earlier_models_numbers_and_pictures_in_place(trained, tmp_path):
    copy = trained.copied(tmp_path / "project")
    before = digest(copy.folder, *RESULTS)
    assert len(before) > 30
    copy.edit("params.yaml", "    index: 0", "    index: 100000")
    code, path = copy.read("pipeline/stages/train.py"), copy.folder / "pipeline/stages/train.py"
    path.write_text("raise SystemExit('broken on purpose')\n")
    output = copy.dvc("repro", "--keep-going", fails=True)
    assert "broken on purpose" in output
    assert digest(copy.folder, *RESULTS) == before
    # The same for a stage whose network is there.
    path.write_text(code)
    output = copy.dvc("repro", "--keep-going", fails=True)
    assert "expected an index below" in output
    assert digest(copy.folder, *RESULTS) == before
    copy.edit("params.yaml", "    index: 100000", "    index: 0")
    output = copy.dvc("repro")
    assert [line for line in output.splitlines() if line.startswith("Running stage")] == [
        "Running stage 'compose':"
    ]
