"""Score the methods on random worlds; one JSON file for each world and method, so that a killed run goes on where it
stopped.

    python validate_worlds.py KIND FIRST LAST METHOD[,METHOD..] [FOLDER]

KIND: orthogonal, small (orthogonal, at most 100 features), superposed or independent (both at most 100); METHOD:
descent, uncentred, search, controller, paper, sweep, oracle, low, high, budget. Worlds of development have seeds below
30,000 (those from 10,000 and from 20,000 on were the first two final scores), worlds of the final score from 30,000 on,
those of an unfinished fourth score from 40,000 on.
"""
import json
import sys
import time
from pathlib import Path

import numpy as np
import torch

from sae_l0_nb.calibrate import calibrate_l0
from sae_l0_nb.descend import Descent, SlopeController
from sae_l0_nb.metrics import mcc
from sae_l0_nb.stages import default_settings
from sae_l0_nb.train import train_bank
from sae_l0_nb.worlds import random_world

COLUMNS = ['round', 'k', 'seed', 'l0_std', 'mse', 'variance_explained', 'frac_dead', 'c_dec', 'c_dec_all', 'mcc']
N_CONTROLLED = 3 # SAEs that a controller trains, each on its own


# ---- what is run ---------------------------------------------------------------------------------------------------

def rounded(values): return [round(float(v), 6) for v in values]


def mcc_of(r, row, features):
    "Of the SAE of one row of the table."
    bank = r.saes[int(row['round'])]
    return float(mcc(bank[int(row['member'])].W_dec[0], features))


def calibrated(world, **kwargs):
    r = calibrate_l0(world, world.n_features, progress=False, keep_saes=True, **kwargs)
    r.table['mcc'] = [mcc_of(r, row, world.features) for _, row in r.table.iterrows()]
    columns = COLUMNS + [c for c in r.table if c.startswith('s_')]
    return r.summary() | dict(table={c: rounded(r.table[c]) for c in columns})


def controlled(world, schedule, n_steps, **kwargs):
    "Three SAEs, each on its own."
    g = world.n_features
    settings = default_settings(g, world.d_in, n_samples=256*n_steps, batch_size=256) | kwargs
    start = time.perf_counter()
    bank, history = train_bank(world, g, [2.], seeds=range(N_CONTROLLED), schedule=schedule, progress=False, **settings)
    seconds = (time.perf_counter() - start)/N_CONTROLLED
    last = history[history.step == history.step.max()].sort_values('member')
    cost = dict(n_saes=1, sae_steps=n_steps, seconds=seconds)
    return dict(each=last.k.tolist(), mcc=mcc(bank.W_dec, world.features).tolist(), cost=cost)


# ---- the methods ---------------------------------------------------------------------------------------------------

def top(world): return min(.8*world.n_features, world.d_in)


def descent(w): return calibrated(w)
def search(w): return calibrated(w, method='search')
def sweep(w): return calibrated(w, l0s=np.geomspace(1, top(w), 25), n_rounds=0)
def controller(w): return controlled(w, Descent(top(w)), 9000, lr_decay=.3)
def budget(w): return calibrated(w, budget=20_000)
def uncentred(w): return calibrated(w, centre=False)


def paper(w):
    "The paper's controller, that of version 3."
    schedule = SlopeController(.4*w.n_features, metric='s_n', lr=.5, delta=(.1, 2.))
    return controlled(w, schedule, 15_000, lr_decay=.1, centre=False)


def oracle(w):
    "Around the truth, to see where SAEs match the features best."
    highest = min(1.8, .95*w.n_features/w.true_l0)
    return calibrated(w, l0s=w.true_l0*np.geomspace(.55, highest, 15), seeds=(0, 1), n_rounds=0)


def low(w): return calibrated(w, l0s=np.geomspace(.15*w.true_l0, .65*w.true_l0, 6))
def high(w): return calibrated(w, l0s=np.geomspace(1.6*w.true_l0, max(top(w), 2.5*w.true_l0), 6))


METHODS = {f.__name__: f for f in (descent, search, sweep, controller, paper, oracle, low, high, budget, uncentred)}


# ---- worlds and files ----------------------------------------------------------------------------------------------

def world_of(kind, seed):
    correlation = 'none' if kind == 'independent' else None
    most = 200 if kind == 'orthogonal' else 100
    return random_world(seed, orthogonal=kind != 'superposed', correlation=correlation, most=most)


def line(got, world, info):
    "What is printed of a run."
    about = [info[name] for name in ('g', 'd_in', 'law', 'correlation', 'std')]
    answer = [got.get('verdict', ''), got.get('l0', got.get('each')), got.get('interval', '')]
    cost = got['cost']
    return [*about, f'truth {world.true_l0:.2f}', *answer, cost['sae_steps'], f"{cost['seconds']:.0f} s"]


def main(*args):
    if len(args) not in (4, 5): return print(__doc__)
    kind, first, last, methods = args[:4]
    folder = Path(*args[4:] or ['_runs/validation'])
    torch.set_num_threads(1)
    folder.mkdir(parents=True, exist_ok=True)
    for seed in range(int(first), int(last)):
        world, info = world_of(kind, seed)
        for method in methods.split(','):
            path = folder/f'{kind}_{seed}_{method}.json'
            if path.exists(): continue
            got = METHODS[method](world)
            tmp = path.with_suffix('.tmp')
            tmp.write_text(json.dumps(dict(kind=kind, method=method, world=info) | got))
            tmp.rename(path)
            print(kind, seed, method, *line(got, world, info), flush=True)


if __name__ == '__main__': main(*sys.argv[1:])
