"""What every witness says of worlds of many laws, beside what SAEs recover there.

    python other_laws.py OUT.csv FIRST LAST [KIND]

KIND: `laws` (the default) or `wide` (`wide_world` of witness_worlds.py, those of up to 260 latents). The laws are drawn
by seed: independent features or correlated ones, random directions or spread ones, firing probabilities that are flat,
linear or Zipf's, magnitudes that are normal or exponential, and from an eighth as many latents as features to as many.
Features always outnumber dimensions. One row for each world and L0; worlds that OUT has already are not done again.

Seeds below 1,000 are of development (on `many_laws.ipynb` the weights of the learned score come from them), those from
1,000 on of the score (`score_worlds.py`).
"""
import math
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import torch

from sae_l0_nb.recovery import recovery
from sae_l0_nb.stages import coarse_grid
from sae_l0_nb.toy import ToyModel
from sae_l0_nb.worlds import _correlation, firing_law
from witness_worlds import RATIO, wide_world, witnesses_of, written

CORRELATIONS = ('none', 'none', 'weak', 'block', 'low-rank')
MOST_LATENTS, MOST_FEATURES = 260, 260 # of worlds of development that are wide, or of laws with a seed from 40 on
KEPT = ['k', 'fvu', 'ratio', 'fire', 'fire_each', 'enc_dec', 'agree', 'fourth', 'frac_dead', 'density', 'useful',
        'true_f1', 'true_f1_each', 'true_mcc'] # columns of a table


class HeavyWorld(ToyModel):
    "Features whose magnitudes are exponential."

    def magnitudes(self, n, generator=None):
        "How strongly each feature fires."
        on = super().magnitudes(n, generator) > 0
        size = torch.empty(on.shape).exponential_(generator=generator)
        return (.2 + size)*on


def law_world(seed):
    "A world of a law drawn by seed, a width, and what it is."
    rng = np.random.default_rng([47, seed])
    def between(low, high): return math.exp(rng.uniform(math.log(low), math.log(high)))
    while True:
        g = round(between(60, 500))
        d_in, width = round(g/between(1.3, 6)), round(g/between(1, 8))
        law, kind = ('flat', 'linear', 'zipf')[rng.integers(3)], CORRELATIONS[rng.integers(len(CORRELATIONS))]
        n_steps, heavy, std = (1, 30, 1000)[rng.integers(3)], rng.random() < .3, rng.uniform(.05, .5)
        l0, power = between(2, 40), rng.uniform(.4, 1.2)
        if d_in < 16 or width < 16 or not .02*g < l0 < .25*d_in: continue
        probs = firing_law(law, g, l0, power=power if law == 'zipf' else 1., low=.002)
        of_width = float(np.sort(probs)[::-1][:width].sum())
        if of_width > 1.2: break
    world = (HeavyWorld if heavy else ToyModel)(
        probs, _correlation(kind, g, rng), d_in=d_in, std=std, orthogonal=False, n_steps=n_steps, seed=seed)
    kinds = dict(kind='heavy' if heavy else 'normal', law=law, correlation=kind)
    about = dict(g=g, d_in=d_in, n_steps=n_steps, std=std) | kinds
    return world, width, about | dict(true_l0=l0, true_l0_at_width=of_width)


def is_left_out(kind, seed, world, width):
    "Whether a world of development is too large for the time there was."
    return width > MOST_LATENTS if kind == 'wide' else seed >= 40 and world.n_features > MOST_FEATURES


def study(kind, seed, world, width, about):
    "The table of one world, after all of the training."
    l0s = coarse_grid(width, world.d_in, ratio=RATIO)
    l0s = np.r_[.72, l0s[l0s <= max(3.5*about['true_l0_at_width'], 6)]]
    (bank, said), = witnesses_of(world, width, l0s, [1.])
    true = pd.DataFrame(recovery(bank, world)).assign(k=bank.k.numpy()).groupby('k').mean().add_prefix('true_')
    said = said.assign(ratio=said.fvu/said.normal_fvu).merge(true, on='k')[KEPT]
    about = {f'world_{name}' if name == 'kind' else name: value for name, value in about.items() if name != 'seed'}
    return said.assign(kind=kind, seed=seed, width=width, **about)


def main(out, first, last, kind='laws'):
    torch.set_num_threads(1)
    out, draw = Path(out), wide_world if kind == 'wide' else law_world
    done = pd.read_csv(out) if out.exists() else pd.DataFrame(dict(kind=[], seed=[]))
    for seed in range(int(first), int(last)):
        if ((done.kind == kind) & (done.seed == seed)).any(): continue
        world, width, about = draw(seed)
        if is_left_out(kind, seed, world, width): continue
        done = pd.concat([done, study(kind, seed, world, width, about)], ignore_index=True)
        written(done, out)
        print(kind, seed, f'{width} latents, {world.n_features} features, {world.d_in} dimensions', flush=True)


if __name__ == '__main__': main(*sys.argv[1:])
