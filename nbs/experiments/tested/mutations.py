"""Damaged files: bytes changed, cut, doubled or lost, values of JSON replaced; how they are read.

    python mutations.py [FILES OF A KIND [TABLE.csv]]

Kinds of files and of damage are those of the page on damaged files (98_damaged), whose tests try three thousand.
Asked for: a load, or a ValueError with words. A fault would be any other error, or a file outside the folder.
"""
import importlib.util
from pathlib import Path

import sae_l0_nb
from tally import command, tally


def tests(name):
    "A file of the tests as a module."
    spec = importlib.util.spec_from_file_location(name, Path(sae_l0_nb.__file__).parents[1]/'tests'/f'{name}.py')
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module

def outcomes(found): return ['']*(found['refused'] + found['read']) + found['faults']

def main(n):
    damaged = tests('test_damaged')
    return tally((f'{kind}, damaged', outcomes(damaged.trials(kind, n))) for kind in damaged.KINDS)


if __name__ == '__main__': command(main, 20)
