"""Score `calibrate_l0` on worlds like a language model, by what SAEs recover at the L0 it gives.

    python score_worlds.py OUT.csv FIRST LAST [KIND]

FIRST to LAST: seeds of `random_language_world`, the last one left out. Seeds below 1,040 are worlds of development.
KIND: language (the default); or a control made from such a world, of which nothing should be said: normal, student
(heavy tails, the same covariance) or shuffled (each coordinate permuted on its own). One row a world; those that OUT
has already are not done again.

What is recovered at an L0 is read off a bank of its own: eleven L0s from a quarter to four times the L0 of the width's
features, two seeds that the calibration does not use.
"""
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pandas as pd
import torch

from sae_l0_nb.calibrate import calibrate_l0
from sae_l0_nb.language_worlds import random_language_world
from sae_l0_nb.recovery import lost_at, recovery
from sae_l0_nb.sources import GaussianSource
from sae_l0_nb.stages import default_settings
from sae_l0_nb.toy import stream
from sae_l0_nb.train import train_bank

COMMIT = subprocess.run(['git', 'rev-parse', '--short', 'HEAD'], cwd=Path(__file__).parent, capture_output=True,
                        text=True, check=True).stdout.strip() # of the rule
MOST, N_ROWS, REFERENCE = 700, 300_000, (7, 8) # features; rows of a control; seeds


def reference(world, width, l0):
    "What SAEs recover at L0s around the one of the width's features."
    l0s = np.geomspace(max(.7, l0/4), min(4*l0, .9*width), 11)
    settings = default_settings(width, world.d_in)
    bank, _ = train_bank(world, width, l0s, seeds=REFERENCE, n_logs=1, n_heldout=16_384, progress=False, **settings)
    table = pd.DataFrame(recovery(bank, world)).assign(k=bank.k.numpy())
    return table.groupby('k').mean().reset_index()


def loss_of(curve, name, l0):
    "Recovery lost at an L0, and where recovery is best; an L0 outside the curve is put at its end."
    if not np.isfinite(l0): return np.nan
    return lost_at(curve.k.to_numpy(), curve[name].to_numpy(), float(np.clip(l0, curve.k.min(), curve.k.max())))


def best_of(curve, name):
    "The L0 of best recovery, on a fine grid of the same smooth curve."
    fine = np.geomspace(curve.k.min(), curve.k.max(), 400)
    return float(fine[np.argmin([lost_at(curve.k.to_numpy(), curve[name].to_numpy(), l0) for l0 in fine])])


def without_features(kind, world):
    "Data with the same mean and covariance, or the same coordinates, and no features."
    gen = stream(20, world.seed)
    if kind == 'normal': return GaussianSource(world).heldout(N_ROWS, seed=21) # other rows than the control's
    if kind == 'shuffled':
        x = world.sample(N_ROWS, gen)
        return torch.stack([x[torch.randperm(len(x), generator=gen), i] for i in range(x.shape[1])], 1)
    x = GaussianSource(world).heldout(N_ROWS, seed=21)
    chi2 = torch.randn(len(x), 4, generator=gen).square().sum(1, keepdim=True)
    return x.mean(0) + (x - x.mean(0))*(2/chi2).sqrt() # Student's t with 4 degrees of freedom has twice the variance


def score(kind, seed):
    "One world."
    world, width, about = random_language_world(seed, most=MOST)
    source = world if kind == 'language' else without_features(kind, world)
    start = time.perf_counter()
    r = calibrate_l0(source, width, progress=False)
    row = dict(kind=kind, seed=seed, width=width) | {f'world_{k}' if k == 'kind' else k: v for k, v in about.items()}
    row |= dict(verdict=r.verdict, l0=r.l0, low=r.interval[0], high=r.interval[1], carried=r.carried, firing=r.firing)
    row |= dict(directions=r.directions, control=r.control, sae_steps=r.cost['sae_steps'], reason=r.reason)
    row |= dict(seconds=round(time.perf_counter() - start), commit=COMMIT)
    if kind != 'language': return row
    curve = reference(world, width, about['true_l0_at_width'])
    for name in ('f1', 'f1_each', 'mcc'):
        row |= {f'best_{name}': best_of(curve, name), f'most_{name}': curve[name].max()}
    row |= {f'lost_{name}': loss_of(curve, name, r.l0) for name in ('f1', 'f1_each')}
    lowest = r.table.loc[r.table.c_dec.idxmin(), 'k'] # of all SAEs tried
    row |= dict(clipped=bool(np.isfinite(r.l0) and not curve.k.min() <= r.l0 <= curve.k.max()))
    return row | dict(lost_mcc=loss_of(curve, 'mcc', r.directions if np.isfinite(r.l0) else np.nan),
                      lost_f1_c_dec=loss_of(curve, 'f1', lowest), lost_mcc_c_dec=loss_of(curve, 'mcc', lowest))


def main(out, first, last, kind='language'):
    torch.set_num_threads(1)
    out = Path(out)
    done = pd.read_csv(out) if out.exists() else pd.DataFrame(dict(kind=[], seed=[]))
    for seed in range(int(first), int(last)):
        if ((done.kind == kind) & (done.seed == seed)).any(): continue
        row = score(kind, seed)
        done = pd.concat([done, pd.DataFrame([row])], ignore_index=True)
        part = out.with_suffix('.part')
        done.round(6).to_csv(part, index=False)
        part.replace(out)
        said = {name: round(row[name], 3) for name in ('l0', 'best_f1', 'lost_f1', 'lost_mcc') if name in row}
        print(kind, seed, row['verdict'], row['carried'], said, f"{row['seconds']} s", flush=True)


if __name__ == '__main__': main(*sys.argv[1:])
