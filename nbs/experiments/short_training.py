"""Calibrations of worlds with features, from far too little training up to the default.

    python short_training.py [PART OF]     all worlds, or every OF-th from number PART on; results/short_training.csv
    python short_training.py without       what the check kept back, without it; results/short_training_without.csv

What counts as wrong, fixed before the runs: a number (`found` or `plateau`) more than 15% from the truth, or the
verdict `no_features`. No length may give one. An error of 15% is beyond what the rule is known to do on such worlds.
"""
import csv
import sys
from pathlib import Path

import torch

from sae_l0_nb import control as check
from sae_l0_nb.calibrate import calibrate_l0
from sae_l0_nb.toy import ToyModel
from sae_l0_nb.worlds import random_world

RESULTS = Path(__file__).parent/'results'
LENGTHS = (8_000, 16_000, 32_000, 64_000, 128_000, 384_000)
N_WORLDS = 20
KEPT_BACK = 'a run three times as long lowers' # in the reason that the check gives
FIELDS = ('world', 'd_sae', 'truth', 'n_samples', 'control', 'l0', 'low', 'high', 'verdict', 'ratio', 'reason')


def worlds(part=0, of=1):
    "The large world and random ones of at most 60 features."
    made = [('large', ToyModel.large())] + [(f'random {s}', random_world(s, most=60)[0]) for s in range(1, N_WORLDS)]
    return made[part::of]


def row(name, world, n, control):
    r = calibrate_l0(world, world.n_features, n_samples=n, control=control, progress=False)
    values = (name, world.n_features, world.true_l0, n, control, r.l0, *r.interval, r.verdict, r.control, r.reason)
    return dict(zip(FIELDS, values))


def kept_back():
    "World and rows of every calibration that the check kept back, the shortest first."
    with open(RESULTS/'short_training.csv') as f: rows = list(csv.DictReader(f))
    found = {(int(r['n_samples']), r['world']) for r in rows if KEPT_BACK in r['reason']}
    return [(name, n) for n, name in sorted(found)]


def without():
    "The same calibrations, whose check finds that nothing moves; the control's ratio is in the first table."
    check.MOVING = float('inf')
    torch.set_num_threads(1)
    path, made, done = RESULTS/'short_training_without.csv', dict(worlds()), set()
    if path.exists():
        with open(path) as f: done = {(r['world'], int(r['n_samples'])) for r in csv.DictReader(f)}
    with open(path, 'a') as f:
        table = csv.DictWriter(f, FIELDS)
        if not done: table.writeheader()
        for name, n in kept_back():
            if (name, n) in done: continue
            table.writerow(row(name, made[name], n, False))
            f.flush()


def main(part=0, of=1):
    path = RESULTS/('short_training.csv' if int(of) == 1 else f'short_training_{part}.csv')
    torch.set_num_threads(1)
    done = set()
    if path.exists():
        with open(path) as f: done = {(r['world'], int(r['n_samples']), r['control']) for r in csv.DictReader(f)}
    with open(path, 'a') as f:
        table = csv.DictWriter(f, FIELDS)
        if not done: table.writeheader()
        for n in LENGTHS:
            for name, world in worlds(int(part), int(of)):
                for control in ((True, False) if n == 32_000 else (True,)):
                    if (name, n, str(control)) in done: continue
                    table.writerow(row(name, world, n, control))
                    f.flush()


if __name__ == '__main__': without() if sys.argv[1:] == ['without'] else main(*sys.argv[1:])
