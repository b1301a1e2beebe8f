"""Disks that fill up while something is written.

    python disks.py [TRIALS OF A KIND [TABLE.csv]]

A process may write files of so many bytes only (RLIMIT_FSIZE), or the n-th renaming and all after it find no space.
Asked for: a ValueError, or an OSError that names the file. With space again, the same command ends with the files of
undisturbed work. Typed, it is one line and exit 2, and nothing stays behind.
"""
import errno
import os
import random
import resource
import tempfile
from contextlib import redirect_stderr
from io import StringIO
from pathlib import Path
from unittest import mock

from sae_l0_nb.cli import main as sae_l0
from tally import WORK, alone, command, difference, tally, whole

QUICK = 'calibrate toy:small --width 16 --samples 20000 --l0s 1,2,3 --seeds 1 --rounds 0 --no-control --quiet'.split()

def named(work, folder):
    "An OSError that names a file is as good as a refusal."
    try: work(folder)
    except OSError as e:
        if str(folder) in str(e): raise ValueError(str(e)) from e
        raise

def with_limit(work, folder, size):
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))
    named(work, folder)

def with_full_disk(work, folder, at):
    real, left = os.replace, [None]*(at - 1)
    def replace(*args):
        if not left: raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        left.pop()
        return real(*args)
    with mock.patch('os.replace', replace): named(work, folder)

def typed(folder):
    with redirect_stderr(StringIO()) as said: code = sae_l0([*QUICK, '--out', f'{folder}/x'])
    lines = said.getvalue().strip().splitlines()
    if code != 2 or len(lines) != 1 or str(folder) not in lines[0]: raise KeyError(f'exit {code}: {lines}')
    raise ValueError(lines[0])

def trial(work, disturbed, amount, right):
    "Work on a full disk, and again with space; `right` None: only the first, which must leave nothing."
    with tempfile.TemporaryDirectory() as tmp:
        words = alone(disturbed, work, Path(tmp), amount)
        if words and not words.startswith('refused: '): return words
        return right is not None and alone(work, Path(tmp)) or difference(tmp, right or {})

def kinds(n):
    rng = random.Random(0)
    for kind, work in WORK.items():
        right = whole(work)
        sizes = [rng.randrange(max(map(len, right.values()))) for _ in range(n)]
        yield f'{kind}, small files only', [trial(work, with_limit, size, right) for size in sizes]
        places = [rng.randint(1, len(right)) for _ in range(n)]
        yield f'{kind}, no space at a renaming', [trial(work, with_full_disk, at, right) for at in places]
    yield 'typed, small files only', [trial(typed, with_limit, rng.randrange(1000), None) for _ in range(n)]

def main(n): return tally(kinds(n))


if __name__ == '__main__': command(main, 3)
