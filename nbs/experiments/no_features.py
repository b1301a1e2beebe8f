"""Does calibration say that there is nothing where there is nothing? One CSV row for each source; a killed run goes on where it stopped.

    python no_features.py noise      calibrate normal data: isotropic, and with the covariance of random worlds
    python no_features.py worlds     the control alone, on the worlds of the final score at the estimates that they got
    python no_features.py elbows     where the rule alone puts the L0 of normal data with the covariance of a world: at the world's?
    python no_features.py tables     to results/no_features.csv

Fixed before these runs: the limit of 0.9 on the share of the control's unexplained variance (`calibrate.CONTROL`), from twenty trials on other seeds.
What would refute it: normal data that gets a number in more than one case of twenty, or a world with features whose number is taken away.
The elbows were added when MiniLM and its control turned out to have theirs nearly at the same place. Fixed before they ran: if those of normal data lie within
10% of the true L0 of the world in more than a third of the worlds, the elbow of a toy world is that of its covariance, and finding it is no merit.
"""
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import torch

from sae_l0_nb.calibrate import COARSE, calibrate_l0, coarse_grid, default_settings
from sae_l0_nb.worlds import random_world
from sae_l0_nb.metrics import evaluate
from sae_l0_nb.sources import GaussianSource
from sae_l0_nb.train import train_bank

RUNS, RESULTS = Path('_runs/no_features'), Path('results')
SHAPES = [(8, 16), (16, 32), (32, 64), (64, 128), (100, 50)] # dimensions, width


class Isotropic(GaussianSource):
    "Independent normal dimensions"
    def __init__(self, d_in): self._mean, self._root = torch.zeros(d_in, dtype=torch.float64), torch.eye(d_in, dtype=torch.float64)


def once(name, make):
    "One row, kept"
    path = RUNS/f'{name}.json'
    if path.exists(): return
    RUNS.mkdir(parents=True, exist_ok=True)
    row = make()
    pd.Series(dict(name=name) | row).to_json(tmp := path.with_suffix('.tmp'))
    tmp.rename(path)
    print(row, flush=True)

def calibrated(source, width, data_seed=0):
    r = calibrate_l0(source, width, data_seed=data_seed, progress=False)
    return dict(d_in=source.d_in, width=width, verdict=r.verdict, l0=r.l0, control=r.control, reason=r.reason)

def noise():
    for seed in range(4):
        for d, width in SHAPES: once(f'isotropic_{d}_{width}_{seed}', lambda: dict(kind='isotropic', seed=seed) | calibrated(Isotropic(d), width, 1000*seed))
    for seed in range(40_000, 40_020):
        world = random_world(seed, most=100)[0]
        once(f'covariance_{seed}', lambda: dict(kind='covariance of a world', seed=seed) | calibrated(GaussianSource(world), world.n_features))

def elbows(*seeds):
    for seed in map(int, seeds or range(40_000, 40_020)):
        world = random_world(seed, most=100)[0]
        def row():
            r = calibrate_l0(GaussianSource(world), world.n_features, control=False, progress=False)
            return dict(kind='elbow of the covariance', seed=seed, d_in=world.d_in, width=world.n_features, verdict=r.verdict, l0=r.l0, true_l0=world.true_l0, reason=r.reason)
        once(f'elbow_{seed}', row)

def control_of(world, l0):
    "Variance unexplained at the coarse L0 next to `l0`, as a share of the control's: what `calibrate_l0` looks at"
    L = coarse_grid(world.n_features, world.d_in)
    settings = default_settings(world.n_features, world.d_in)
    settings |= dict(lr_decay=.3, n_samples=int(settings['n_samples']*COARSE))
    left = []
    for source in (world, GaussianSource(world, max(16_384, 4*world.d_in))):
        bank, _ = train_bank(source, world.n_features, [L[np.abs(np.log(L/l0)).argmin()]], [0, 1], progress=False, **settings)
        left.append(1 - np.median(evaluate(bank, source.heldout(16_384), [2])['variance_explained']))
    return left[0]/left[1]

def worlds():
    table = pd.read_csv(RESULTS/'validation.csv')
    for t in table[(table.method == 'descent') & table.l0.notna()].itertuples():
        world, _ = random_world(t.seed, t.kind != 'superposed', 'none' if t.kind == 'independent' else None, most=200 if t.kind == 'orthogonal' else 100)
        once(f'{t.kind}_{t.seed}', lambda: dict(kind=t.kind, seed=t.seed, d_in=world.d_in, width=world.n_features, l0=t.l0, control=control_of(world, t.l0)))

def tables(): pd.DataFrame([pd.read_json(p, typ='series') for p in sorted(RUNS.glob('*.json'))]).to_csv(RESULTS/'no_features.csv', index=False, float_format='%.5g')


if __name__ == '__main__':
    torch.set_num_threads(1)
    pieces = dict(noise=noise, worlds=worlds, elbows=elbows, tables=tables)
    pieces[sys.argv[1]](*sys.argv[2:]) if len(sys.argv) > 1 and sys.argv[1] in pieces else print(__doc__)
