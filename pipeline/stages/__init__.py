"""One file for each stage of `dvc.yaml`, of the same name: reads files, computes, writes files."""
