"""Calibrate on few rows of worlds like a language model, and see what the numbers lose.

    python few_rows.py OUT.csv FIRST LAST

FIRST to LAST: seeds of `random_language_world`, the last one left out. Of each world a calibration by default sees a
tensor of so many rows (`ROWS`), again and again; once the fewest rows stand in it `COPIES` times. What the number loses
is read off SAEs that saw fresh rows. One row a world and tensor; those that OUT has already are not done again.

Fixed before the first result: numbers from fewer rows than the fewest at which every number of the worlds 7000 to 7002,
and of those with more rows, lost at most 5% of F1 should not be believed. Two other worlds are asked afterwards: the bound
is refuted if one of their numbers from as many rows loses more than 10%. They were to be 7003 and 7004. Before either
was run, 7005 took the place of 7003, whose width, 760, takes a million rows an SAE; and a tensor that a calibration
refuses, as it holds out too few rows for a covariance, became a row of its own.
"""
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

import pandas as pd
import torch

from sae_l0_nb.calibrate import calibrate_l0
from sae_l0_nb.language_worlds import random_language_world
from sae_l0_nb.toy import stream
from score_worlds import COMMIT, best_of, loss_of, reference, table_at
from witness_worlds import MOST, written

ROWS, COPIES = (2_000, 8_000, 32_000, 128_000), 30


def tensors(world):
    "Rows, how often each is there, and the tensor."
    x = world.sample(max(ROWS), stream(30, world.seed))
    yield from ((n, 1, x[:n]) for n in ROWS)
    yield ROWS[0], COPIES, x[:ROWS[0]].repeat(COPIES, 1)


def said_of(x, width, curve):
    "What a calibration says of a tensor, and what its number loses; the verdict `refused` where it does not begin."
    try: r = calibrate_l0(x, width, progress=False)
    except ValueError as e: return dict(verdict='refused', reason=str(e))
    low, high = r.interval
    return dict(verdict=r.verdict, l0=r.l0, low=low, high=high, carried=r.carried, control=r.control,
                lost_f1=loss_of(curve, 'f1', r.l0), reason=r.reason)


def main(out, first, last):
    torch.set_num_threads(1)
    out = Path(out)
    for seed in range(int(first), int(last)):
        world, width, facts = random_language_world(seed, most=MOST)
        curve = None
        for n, copies, x in tensors(world):
            done = table_at(out, seed=[], n_rows=[], copies=[])
            if ((done.seed == seed) & (done.n_rows == n) & (done.copies == copies)).any(): continue
            if curve is None:
                with TemporaryDirectory() as left:
                    curve = reference(world, width, facts['true_l0_at_width'], Path(left))
            said = dict(best_f1=best_of(curve, 'f1'), commit=COMMIT) | said_of(x, width, curve)
            row = dict(seed=seed, d_in=world.d_in, width=width, n_rows=n, copies=copies) | said
            written(pd.concat([done, pd.DataFrame([row])], ignore_index=True), out)
            print({k: round(v, 3) if isinstance(v, float) else v for k, v in row.items()}, flush=True)


if __name__ == '__main__': main(*sys.argv[1:])
