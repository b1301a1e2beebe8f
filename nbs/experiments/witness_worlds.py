"""What every witness says of worlds with known features, beside what SAEs recover there.

    python witness_worlds.py KIND OUT.csv FIRST LAST [SHARE ...]

KIND: language (more features than dimensions, fewer latents than features or more), orthogonal or superposed (as many
latents as features). FIRST to LAST: seeds of the worlds, the last one left out. SHARE: lengths of training, as
multiples of what `calibrate_l0` gives an SAE; 1/3 and 1 for one. One row for each world, length and L0; worlds that OUT
has already are not done again.
"""
import math
import sys
import time
from pathlib import Path

import numpy as np
import pandas as pd
import torch

from sae_l0_nb.language_worlds import LanguageLaw, LanguageWorld, random_language_world
from sae_l0_nb.recovery import recovery
from sae_l0_nb.sources import GaussianSource
from sae_l0_nb.stages import coarse_grid, default_settings
from sae_l0_nb.train import train_bank
from sae_l0_nb.witnesses import witness_table
from sae_l0_nb.worlds import random_world

RATIO, SEEDS, N_EVAL, MOST = 1.4, (0, 1), 16_384, 700 # MOST: features of a language world


def wide_world(seed):
    "A language world with a law from a wider range: the best L0 is not always a few."
    rng = np.random.default_rng([43, seed])
    def between(low, high): return math.exp(rng.uniform(math.log(low), math.log(high)))
    while True:
        g, trees = round(between(300, MOST)), {}
        d_in = round(between(32, 160))
        width = round(between(g/8, min(1.5*g, 8*d_in)))
        if rng.integers(2): trees = dict(n_roots=max(4, g//20), branching=int(rng.integers(3, 7)), depth=2)
        law = LanguageLaw(exponent=rng.uniform(.2, 1.2), high=rng.uniform(.1, .8), low=between(5e-4, 3e-2),
                          strength=rng.uniform(.05, .12), spread=(rng.uniform(.2, 2), .5), **trees)
        world = LanguageWorld(g, d_in, law, seed=seed)
        l0 = world.true_l0_at(width)
        if 2 <= l0 <= min(40, .4*d_in, .4*width): break
    about = dict(g=g, d_in=d_in, kind='tree' if trees else 'flat', exponent=law.exponent, strength=law.strength)
    return world, width, about | dict(true_l0=world.true_l0_at(g), true_l0_at_width=l0)


def drawn(kind, seed):
    "A world, its width, and what it is."
    if kind == 'language': return random_language_world(seed, most=MOST)
    world, about = random_world(seed, orthogonal=kind == 'orthogonal')
    return world, world.n_features, about | dict(true_l0_at_width=about['true_l0'])


class Training:
    "A bank that is trained on and on."

    def __init__(self, source, width, l0s, seeds, settings=None): # None: those of `calibrate_l0`
        self.source, self.grid = source, dict(d_sae=width, l0s=l0s, seeds=seeds)
        self.bank, self.done, self.legs = None, 0., 0
        self.settings = dict(settings or default_settings(width, source.d_in)) # with n_samples, of all of the training

    def until(self, share):
        "The bank after a share of the usual training; each leg ends with a falling learning rate."
        s = dict(self.settings)
        steps = round(s.pop('n_samples')*(share - self.done)/s['batch_size'])
        self.bank, _ = train_bank(
            self.source, n_samples=steps*s['batch_size'], init=self.bank, data_seed=self.legs, n_logs=1, progress=False,
            n_heldout=16_384, **self.grid, **s)
        self.done, self.legs = share, self.legs + 1
        return self.bank


def witnesses_of(source, width, l0s, shares, settings=None):
    "After each share of the training: the bank, and its witnesses beside those of normal data."
    normal_source = GaussianSource(source, n=max(16_384, 4*source.d_in))
    data = Training(source, width, l0s, SEEDS, settings)
    normal = Training(normal_source, width, l0s, SEEDS[:1], settings)
    x, x_normal = source.heldout(N_EVAL, seed=7), normal_source.heldout(N_EVAL)
    for share in shares:
        began, bank = time.perf_counter(), data.until(share)
        control = witness_table(normal.until(share), x_normal)[['k', 'fvu', 'enc_dec', 'fourth']]
        said = witness_table(bank, x).merge(control.set_index('k').add_prefix('normal_'), on='k')
        yield bank, said.assign(share=share, seconds=round(time.perf_counter() - began, 1))


def study(kind, seed, shares):
    "The table of one world."
    world, width, about = drawn(kind, seed)
    tables = []
    for bank, said in witnesses_of(world, width, coarse_grid(width, world.d_in, ratio=RATIO), shares):
        true = pd.DataFrame(recovery(bank, world)).assign(k=bank.k.numpy()).groupby('k').mean().add_prefix('true_')
        tables.append(said.merge(true, on='k'))
    return pd.concat(tables).assign(world_kind=kind, world_seed=seed, width=width, **{
        name: value for name, value in about.items() if name not in ('seed', 'width')})


def written(table, path):
    "Write a table under another name first, so that a killed run leaves the old one."
    part = path.with_suffix('.part')
    table.round(6).to_csv(part, index=False)
    part.replace(path)


def main(kind, out, first, last, *shares):
    torch.set_num_threads(1)
    out, shares = Path(out), [float(s) for s in shares or (.34, 1)]
    done = pd.read_csv(out) if out.exists() else pd.DataFrame(dict(world_kind=[], world_seed=[]))
    for seed in range(int(first), int(last)):
        if ((done.world_kind == kind) & (done.world_seed == seed)).any(): continue
        table = study(kind, seed, shares)
        done = pd.concat([done, table], ignore_index=True)
        written(done, out)
        about = table.iloc[0]
        print(kind, seed, f'{about.width:.0f} latents, {about.seconds:.0f} s', flush=True)


if __name__ == '__main__': main(*sys.argv[1:])
