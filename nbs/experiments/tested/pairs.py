"""Two to four processes at once in one folder.

    python pairs.py [ROUNDS OF A KIND [TABLE.csv]]

Asked for: each of them comes to an end or is refused with words (a ValueError), and the folder holds the files of
undisturbed work. If all were refused, one of them can finish later. In a cache no row is lost.
"""
import random
import tempfile
import time
from pathlib import Path
from unittest import mock

from tally import WORK, alone, command, difference, ended, run_probes, start, tally, whole


def at_once(work, folder, seeds, rng): # the words of each
    "Processes that begin within some hundredths of a second."
    running = []
    for seed in seeds:
        running.append(start(work, folder, seed))
        time.sleep(rng.uniform(0, .05))
    return [ended(*process) for process in running]

def odd(words): return next((o for o in words if o and not o.startswith('refused: ')), '')

def together(work, seeds, right, rng): # right: seed -> files
    with tempfile.TemporaryDirectory() as tmp:
        words = at_once(work, Path(tmp), seeds, rng)
        if odd(words): return odd(words)
        done = {seed for seed, refused in zip(seeds, words) if not refused}
        if len(done) > 1: return 'all came to an end in one folder'
        if not done: done = {seed for seed in right if not alone(work, Path(tmp), seed)}
        return difference(tmp, right[done.pop()]) if done else 'none can finish it'

def one_cache(seeds, tables, rng):
    "Several SAEs probed into one cache. Asked again, it has all rows: nothing is probed a second time."
    with tempfile.TemporaryDirectory() as tmp:
        words = at_once(run_probes, Path(tmp), seeds, rng)
        again = [alone(run_probes, Path(tmp), seed) for seed, refused in zip(seeds, words) if refused]
        with mock.patch('sae_l0_nb.probe_sweep.probe_members', side_effect=KeyError('a row was lost')):
            lost = [alone(run_probes, Path(tmp), seed) for seed in seeds]
        return odd([*words, *again, *lost]) or difference(tmp, tables, '*.json')

def kinds(n):
    rng = random.Random(0)
    for kind, work in WORK.items():
        right = {seed: whole(work, seed) for seed in (0, 1)}
        yield f'{kind}, the same 2 to 4 times', [together(work, [0]*rng.randint(2, 4), right, rng) for _ in range(n)]
        if kind != 'probes': yield f'{kind}, two of them', [together(work, [0, 1], right, rng) for _ in range(n)]
    tables = whole(run_probes, *range(4), pattern='*.json')
    yield 'probes, 4 into one cache', [one_cache(range(4), tables, rng) for _ in range(n)]

def main(n): return tally(kinds(n))


if __name__ == '__main__': command(main, 3)
