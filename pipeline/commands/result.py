"""Write the result of experiments: a table, pictures and an offline page, in `reports/sweeps/NAME/`.

    dvc exp run --queue --name rates -S 'train.learning_rate=0.001,0.003' && dvc queue start -j 2
    filterscope result rates                       all experiments of that name: rates-1, rates-2, ...
    filterscope result warm-fans muddy-rail --name mine

NAME is that of a sweep, of a queue (`dvc exp run --queue --name`) or of an experiment.
"""

import argparse
from pathlib import Path

from pipeline.base.errors import InputError, one_line_errors
from pipeline.sweeps import result


def main() -> None:
    """Read the experiments and write the result."""
    parser = argparse.ArgumentParser("filterscope result", description=(__doc__ or "").split("\n")[0])
    parser.add_argument("names", nargs="+", metavar="NAME", help="of a sweep, a queue or an experiment")
    parser.add_argument("--name", help="of the result; without it the first NAME")
    given, root = parser.parse_args(), Path.cwd()
    experiments = []
    for name in given.names:
        if not (found := result.experiments_of(root, name)):
            raise InputError(
                f"{name}: received a name of no experiment; `dvc exp list --all-commits` lists them, and"
                " `dvc queue status` those that wait"
            )
        experiments += found
    print(result.write_result(root, given.name or given.names[0], experiments))


if __name__ == "__main__":
    with one_line_errors():
        main()
