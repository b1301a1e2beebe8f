"""Does calibration say that there is nothing where there is nothing? One CSV row for each source; a killed run goes on
where it stopped.

    python no_features.py noise      calibrate normal data: isotropic, and with the covariance of random worlds
    python no_features.py worlds     the control alone, on the worlds of the final score at the estimates that they got
    python no_features.py elbows     where the rule alone puts the L0 of normal data with the covariance of a world
    python no_features.py tables     to results/no_features.csv

Fixed before these runs: the limit of 0.9 on the share of the control's unexplained variance (`stages.CONTROL`), from
twenty trials on other seeds. What would refute it: normal data that gets a number in more than one case of twenty, or
a world with features whose number is taken away.
The elbows were added when MiniLM and its control turned out to have theirs nearly at the same place: is that of normal
data at the L0 of the world? Fixed before they ran: if those of normal data lie within 10% of the true L0 of the world
in more than a third of the worlds, the elbow of a toy world is that of its covariance, and finding it is no merit.
"""
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import torch

from sae_l0_nb.calibrate import calibrate_l0
from sae_l0_nb.metrics import evaluate
from sae_l0_nb.sources import GaussianSource
from sae_l0_nb.stages import COARSE, coarse_grid, default_settings
from sae_l0_nb.train import train_bank
from sae_l0_nb.worlds import random_world

RUNS, RESULTS = Path('_runs/no_features'), Path('results')
SHAPES = [(8, 16), (16, 32), (32, 64), (64, 128), (100, 50)] # dimensions, width
SEEDS = range(40_000, 40_020) # of the worlds whose covariance is taken


class Isotropic(GaussianSource):
    "Independent normal dimensions."
    def __init__(self, d_in):
        self._mean = torch.zeros(d_in, dtype=torch.float64)
        self._root = torch.eye(d_in, dtype=torch.float64)

    def digest(self): return f'isotropic {self.d_in}'


def once(name, make):
    "One row, kept."
    path = RUNS/f'{name}.json'
    if path.exists(): return
    RUNS.mkdir(parents=True, exist_ok=True)
    row = make()
    tmp = path.with_suffix('.tmp')
    pd.Series(dict(name=name) | row).to_json(tmp)
    tmp.rename(path)
    print(row, flush=True)


# ---- normal data ---------------------------------------------------------------------------------------------------

def calibrated(source, width, data_seed=0):
    r = calibrate_l0(source, width, data_seed=data_seed, progress=False)
    return dict(d_in=source.d_in, width=width, verdict=r.verdict, l0=r.l0, control=r.control, reason=r.reason)


def isotropic(d_in, width, seed):
    return dict(kind='isotropic', seed=seed) | calibrated(Isotropic(d_in), width, 1000*seed)


def covariance(seed):
    "Calibrate normal data with the covariance of a world."
    world, _ = random_world(seed, most=100)
    row = calibrated(GaussianSource(world), world.n_features)
    return dict(kind='covariance of a world', seed=seed) | row


def noise():
    for seed in range(4):
        for d_in, width in SHAPES: once(f'isotropic_{d_in}_{width}_{seed}', lambda: isotropic(d_in, width, seed))
    for seed in SEEDS: once(f'covariance_{seed}', lambda: covariance(seed))


def elbow(seed):
    "The rule alone, on normal data with the covariance of a world."
    world, _ = random_world(seed, most=100)
    r = calibrate_l0(GaussianSource(world), world.n_features, control=False, progress=False)
    about = dict(kind='elbow of the covariance', seed=seed, d_in=world.d_in, width=world.n_features)
    return about | dict(verdict=r.verdict, l0=r.l0, true_l0=world.true_l0, reason=r.reason)


def elbows(*seeds):
    for seed in map(int, seeds or SEEDS): once(f'elbow_{seed}', lambda: elbow(seed))


# ---- worlds with features ------------------------------------------------------------------------------------------

def control_of(world, l0):
    "Variance unexplained at the coarse L0 next to `l0`, as a share of the control's: what `calibrate_l0` looks at."
    L = coarse_grid(world.n_features, world.d_in)
    nearest = L[np.abs(np.log(L/l0)).argmin()]
    settings = default_settings(world.n_features, world.d_in)
    settings |= dict(lr_decay=.3, n_samples=int(settings['n_samples']*COARSE))
    left = []
    for source in (world, GaussianSource(world, n=max(16_384, 4*world.d_in))):
        bank, _ = train_bank(source, world.n_features, [nearest], seeds=[0, 1], progress=False, **settings)
        explained = evaluate(bank, source.heldout(16_384), places=[2])['variance_explained']
        left.append(1 - np.median(explained))
    return left[0]/left[1]


def world_of(row):
    "The world of a row of the final score."
    correlation = 'none' if row.kind == 'independent' else None
    most = 200 if row.kind == 'orthogonal' else 100
    return random_world(row.seed, orthogonal=row.kind != 'superposed', correlation=correlation, most=most)[0]


def controlled(row):
    world = world_of(row)
    about = dict(kind=row.kind, seed=row.seed, d_in=world.d_in, width=world.n_features, l0=row.l0)
    return about | dict(control=control_of(world, row.l0))


def worlds():
    table = pd.read_csv(RESULTS/'validation.csv')
    numbers = table[(table.method == 'descent') & table.l0.notna()]
    for row in numbers.itertuples(): once(f'{row.kind}_{row.seed}', lambda: controlled(row))


# ---- the table -----------------------------------------------------------------------------------------------------

def tables():
    rows = [pd.read_json(path, typ='series') for path in sorted(RUNS.glob('*.json'))]
    pd.DataFrame(rows).to_csv(RESULTS/'no_features.csv', index=False, float_format='%.5g')


PIECES = dict(noise=noise, worlds=worlds, elbows=elbows, tables=tables)


def main(piece='', *args):
    if piece not in PIECES: return print(__doc__)
    torch.set_num_threads(1)
    PIECES[piece](*args)


if __name__ == '__main__': main(*sys.argv[1:])
