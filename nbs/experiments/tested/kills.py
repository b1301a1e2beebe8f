"""Kill work with SIGKILL at random moments, up to three times, and let the same command finish it.

    python kills.py [KILLS OF A KIND [TABLE.csv]]

Asked for: the files that undisturbed work leaves, byte for byte, and nothing beside them.
"""
import os
import random
import signal
import tempfile
import time
from pathlib import Path

from tally import WORK, alone, command, difference, ended, start, tally, whole


def duration(work):
    "Seconds of undisturbed work."
    with tempfile.TemporaryDirectory() as tmp:
        begin = time.perf_counter()
        alone(work, Path(tmp))
        return time.perf_counter() - begin

def killed(work, folder, after):
    "Whether work was still going on when it was killed after some seconds."
    pid, read = start(work, folder)
    time.sleep(after)
    os.kill(pid, signal.SIGKILL)
    return ended(pid, read) == f'ended by {-signal.SIGKILL}'

def trial(work, right, seconds, rng): # what came out, once for each kill that hit
    with tempfile.TemporaryDirectory() as tmp:
        hits = [killed(work, Path(tmp), rng.uniform(0, seconds)) for _ in range(rng.randint(1, 3))]
        return [alone(work, Path(tmp)) or difference(tmp, right)]*sum(hits)

def trials(work, n):
    rng, right, seconds, found = random.Random(0), whole(work), duration(work), []
    while len(found) < n: found += trial(work, right, seconds, rng)
    return found

def main(n): return tally((f'{kind}, killed', trials(work, n)) for kind, work in WORK.items())


if __name__ == '__main__': command(main, 4)
