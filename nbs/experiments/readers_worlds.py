"""Calibrate on worlds that readers of this package made up to try it, and see what the numbers lose.

    python readers_worlds.py OUT.csv

120 features in 40 dimensions fire on their own, the i-th with probability scale/sqrt(i). Their directions are spread,
as in the toy worlds, or random. Nobody who made the rule chose them. One row a world and width; those that OUT has
already are not done again.
"""
import itertools
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pandas as pd
import torch

from sae_l0_nb.calibrate import calibrate_l0
from sae_l0_nb.toy import ToyModel
from score_worlds import best_of, loss_of, reference, table_at
from witness_worlds import written

G, D_IN = 120, 40
WORLDS = list(itertools.product(('spread', 'random'), (.15, .3), (60, 40))) # directions, scale, width


def calibrated(directions, scale, width):
    "What a calibration says by default, and what SAEs recover around the true L0."
    world = ToyModel(scale/np.arange(1, G + 1)**.5, d_in=D_IN, std=.2, orthogonal=False, seed=7,
                     n_steps=1000 if directions == 'spread' else 1)
    r = calibrate_l0(world, width, progress=False)
    with TemporaryDirectory() as left: curve = reference(world, width, world.true_l0, Path(left))
    low, high = r.interval
    said = dict(verdict=r.verdict, l0=r.l0, low=low, high=high, carried=r.carried, control=r.control, reason=r.reason)
    best = {f'best_{name}': best_of(curve, name) for name in ('f1', 'mcc')}
    return dict(directions=directions, scale=scale, width=width, true_l0=world.true_l0) | said | best | dict(
        most_f1=curve.f1.max(), lost_f1=loss_of(curve, 'f1', r.l0))


def main(out):
    torch.set_num_threads(1)
    out = Path(out)
    for world in WORLDS:
        done = table_at(out, directions=[], scale=[], width=[])
        if world in zip(done.directions, done.scale, done.width): continue
        row = calibrated(*world)
        written(pd.concat([done, pd.DataFrame([row])], ignore_index=True), out)
        print(row, flush=True)


if __name__ == '__main__': main(*sys.argv[1:])
