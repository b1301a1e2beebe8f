"""Score the methods on random worlds; one JSON file for each world and method, so that a killed run goes on where it stopped.

    python validate_worlds.py KIND FIRST LAST METHOD[,METHOD..] [FOLDER]

KIND: orthogonal, small (orthogonal, at most 100 features), superposed or independent (both at most 100); METHOD: descent, search, controller, paper, sweep, oracle, low, high, budget.
Worlds of development have seeds below 30,000 (those from 10,000 and from 20,000 on were the first two final scores), worlds of the final score from 30,000 on.
"""
import json
import math
import sys
import time
from pathlib import Path

import numpy as np
import torch

from sae_l0_nb.calibrate import calibrate_l0, default_settings
from sae_l0_nb.descend import Descent, SlopeController
from sae_l0_nb.metrics import mcc
from sae_l0_nb.worlds import random_world
from sae_l0_nb.metrics import evaluate
from sae_l0_nb.train import train_bank


def calibrated(world, **kwargs):
    r = calibrate_l0(world, world.n_features, progress=False, keep_saes=True, **kwargs)
    r.table['mcc'] = [float(mcc(r.saes[int(t['round'])][int(t['member'])].W_dec[0], world.features)) for _, t in r.table.iterrows()]
    columns = ['round', 'k', 'seed', 'l0_std', 'mse', 'variance_explained', 'frac_dead', 'c_dec', 'c_dec_all', 'mcc'] + [c for c in r.table if c.startswith('s_')]
    return r.summary() | dict(table={c: [round(float(v), 6) for v in r.table[c]] for c in columns})


def controlled(world, schedule, n_steps, **kwargs):  # three SAEs, each on its own
    g = world.n_features
    settings = default_settings(g, world.d_in, 256*n_steps, 256)
    start = time.perf_counter()
    bank, history = train_bank(world, g, [2.], range(3), schedule=schedule, progress=False, **settings | kwargs)
    k = history[history.step == history.step.max()].sort_values('member').k
    return dict(each=k.tolist(), mcc=mcc(bank.W_dec, world.features).tolist(), cost=dict(n_saes=1, sae_steps=n_steps, seconds=(time.perf_counter() - start)/3))


def top(world): return min(.8*world.n_features, world.d_in)


METHODS = dict(
    descent=lambda w: calibrated(w),
    search=lambda w: calibrated(w, method='search'),
    sweep=lambda w: calibrated(w, l0s=np.geomspace(1, top(w), 25), n_rounds=0),
    controller=lambda w: controlled(w, Descent(top(w)), 9000, lr_decay=.3),
    paper=lambda w: controlled(w, SlopeController(start=.4*w.n_features, lr=.5, delta=(.1, 2.)), 15_000, lr_decay=.1),
    oracle=lambda w: calibrated(w, l0s=w.true_l0*np.geomspace(.55, min(1.8, .95*w.n_features/w.true_l0), 15), seeds=(0, 1), n_rounds=0),
    low=lambda w: calibrated(w, l0s=np.geomspace(.15*w.true_l0, .65*w.true_l0, 6)),
    high=lambda w: calibrated(w, l0s=np.geomspace(1.6*w.true_l0, max(top(w), 2.5*w.true_l0), 6)),
    budget=lambda w: calibrated(w, budget=20_000))


def main(kind, first, last, methods, folder='_runs/validation'):
    torch.set_num_threads(1)
    Path(folder).mkdir(parents=True, exist_ok=True)
    for seed in range(int(first), int(last)):
        world, info = random_world(seed, kind != 'superposed', 'none' if kind == 'independent' else None, most=200 if kind == 'orthogonal' else 100)
        for method in methods.split(','):
            path = Path(folder)/f'{kind}_{seed}_{method}.json'
            if path.exists(): continue
            got = METHODS[method](world)
            tmp = path.with_suffix('.tmp')
            tmp.write_text(json.dumps(dict(kind=kind, method=method, world=info) | got))
            tmp.rename(path)
            l0 = got.get('l0', got.get('each'))
            print(kind, seed, method, info['g'], info['d_in'], info['law'], info['correlation'], info['std'], f"truth {world.true_l0:.2f}", got.get('verdict', ''), l0, got.get('interval', ''), got['cost']['sae_steps'], f"{got['cost']['seconds']:.0f} s", flush=True)


if __name__ == '__main__':
    main(*sys.argv[1:]) if len(sys.argv) > 4 else print(__doc__)
