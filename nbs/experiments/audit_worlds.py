"""What one SAE says about its own L0, on worlds whose best L0 is known: what `audit_sae` is learned from.

    python audit_worlds.py OUT.csv KIND FIRST LAST [SHARE ...]

KIND: wide (like a language model, with L0s from 2 to 40, more varied than those of `random_language_world`),
language (`random_language_world`), orthogonal, superposed (as many latents as features), or normal and student (rows
of a wide world's mean and covariance that have no features). FIRST to LAST: seeds of the worlds, the last one left
out. SHARE: lengths of training, as multiples of what `calibrate_l0` gives an SAE; 1/3 and 1 for one.

One row for each world, length and L0: L0s from a fifth to five times that of the width's features, one SAE each. Columns
that begin with `normal_` are of the same SAE on normal rows with the mean and covariance of its own. Worlds that OUT has
already are not done again.
"""
import sys
import time
from pathlib import Path

import numpy as np
import pandas as pd
import torch

from sae_l0_nb.language_worlds import random_language_world
from sae_l0_nb.recovery import recovery
from sae_l0_nb.sources import GaussianSource, as_source
from sae_l0_nb.witnesses import witness_table
from sae_l0_nb.worlds import random_world
from score_worlds import without_features
from witness_worlds import MOST, N_EVAL, Training, wide_world, written

N_L0S, REACH, SEED = 11, 5., 0


def drawn(kind, seed):
    "A world, a width, and what it is."
    if kind == 'language': return random_language_world(seed, most=MOST)
    if kind not in ('orthogonal', 'superposed'): return wide_world(seed)
    world, about = random_world(seed, orthogonal=kind == 'orthogonal')
    return world, world.n_features, about | dict(d_in=world.d_in, true_l0_at_width=world.true_l0)


def on_normal_rows(bank, x):
    "The same SAEs where nothing but mean and covariance is as they learned it: one row for each."
    table = witness_table(bank, x)
    return table[['k', 'l0', 'fvu', 'density', 'useful', 'frac_dead']]


def study(kind, seed, shares):
    "The table of one world."
    world, width, about = drawn(kind, seed)
    source = as_source(without_features(kind, world)) if kind in ('normal', 'student') else world
    l0 = about['true_l0_at_width']
    l0s = np.geomspace(max(.5, l0/REACH), min(REACH*l0, .8*width, world.d_in), N_L0S)
    training, tables = Training(source, width, l0s, [SEED]), []
    x = source.heldout(N_EVAL, seed=7) if source is world else source.heldout(N_EVAL)
    x_normal = GaussianSource(source, n=max(N_EVAL, 4*world.d_in)).heldout(N_EVAL)
    for share in shares:
        began, bank = time.perf_counter(), training.until(share)
        normal = on_normal_rows(bank, x_normal).set_index('k').add_prefix('normal_')
        table = witness_table(bank, x).merge(normal, on='k')
        if source is world:
            true = pd.DataFrame(recovery(bank, world)).assign(k=bank.k.numpy()).set_index('k').add_prefix('true_')
            table = table.merge(true, on='k')
        tables.append(table.assign(share=share, seconds=round(time.perf_counter() - began, 1)))
    names = {f'world_{name}' if name == 'kind' else name: value for name, value in about.items() if name != 'seed'}
    return pd.concat(tables).assign(kind=kind, seed=seed, width=width, **names)


def main(out, kind, first, last, *shares):
    torch.set_num_threads(1)
    out, shares = Path(out), [float(s) for s in shares or (1/3, 1)]
    done = pd.read_csv(out) if out.exists() else pd.DataFrame(dict(kind=[], seed=[]))
    for seed in range(int(first), int(last)):
        if ((done.kind == kind) & (done.seed == seed)).any(): continue
        table = study(kind, seed, shares)
        done = pd.concat([done, table], ignore_index=True)
        written(done, out)
        about = table.iloc[0]
        took = f'{table.seconds.max():.0f} s'
        print(kind, seed, f'{about.width:.0f} latents, L0 {about.true_l0_at_width:.3g}, {took}', flush=True)


if __name__ == '__main__': main(*sys.argv[1:])
