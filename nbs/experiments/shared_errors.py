"""Do two seeds make the same mistakes? A prediction of why scores that compare seeds work, tested.

    python shared_errors.py OUT.csv FIRST LAST

FIRST to LAST: seeds of `random_language_world`, the last one left out; worlds that OUT has already are not done again.

Fixed before it ran: below the L0 of best F1 latents mix features that fire together, in the same way for every seed, so
of the inputs on which a latent fires while its feature does not, that of another seed fires on most (hedging). Above it
extra latents fire wherever a seed happened to put them. So the share of wrong firings that two seeds have in common,
corrected for chance, should fall as L0 rises through the best one. If in more than a quarter of the worlds it does not
fall from half to twice that L0, the explanation is wrong.
"""
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import torch

from sae_l0_nb.language_worlds import random_language_world
from sae_l0_nb.recovery import features_for, recovery
from sae_l0_nb.stages import default_settings
from sae_l0_nb.toy import stream
from sae_l0_nb.train import train_bank
from sae_l0_nb.witnesses import match_rows
from witness_worlds import MOST, written

ROWS, SEEDS = 16_384, (3, 4)


def firings(sae, world, features, x): # [n, features] bool: the latent that is nearest to each feature
    "When the latents that stand for some features fire."
    latent, place, _ = match_rows(sae.W_dec[0], world.features[features])
    fires = torch.cat([sae.encode(part)[0] > 0 for part in x.split(4096)])
    return fires[:, latent[place.argsort()]]


def in_common(one, other, able): # [n, features] bool each; able: where such a mistake can be made
    "Of the mistakes of two seeds, the share that both make; 0: as many as by chance, 1: all."
    both, a, b, n = ((part).sum(0).double() for part in (one & other, one, other, able))
    chance = (a*b/n.clamp(min=1)).sum()
    return ((both.sum() - chance)/((a + b).sum()/2 - chance)).item()


def mistakes(bank, world, width): # a row an L0
    "Wrong and missing firings that two seeds have in common."
    x, m = world.sample_with_features(ROWS, stream(21, world.seed))
    features, rows = features_for(world, width), []
    true = m[:, features] > 0
    for i in range(0, len(bank), 2):
        one, other = (firings(bank[j].folded(), world, features, x) for j in (i, i + 1))
        rows.append(dict(k=bank.k[i].item(), wrong=in_common(one & ~true, other & ~true, ~true),
                         missed=in_common(~one & true, ~other & true, true)))
    return pd.DataFrame(rows)


def study(seed):
    world, width, about = random_language_world(seed, most=MOST)
    l0 = about['true_l0_at_width']
    l0s = np.geomspace(max(.7, l0/4), min(4*l0, .9*width), 9)
    bank, _ = train_bank(world, width, l0s, seeds=SEEDS, n_logs=1, n_heldout=16_384, progress=False,
                         **default_settings(width, world.d_in))
    true = pd.DataFrame(recovery(bank, world)).assign(k=bank.k.numpy()).groupby('k').mean()
    facts = dict(seed=seed, width=width, world_kind=about['kind'], true_l0_at_width=l0)
    return mistakes(bank, world, width).merge(true[['f1', 'precision', 'recall']], on='k').assign(**facts)


def main(out, first, last):
    torch.set_num_threads(1)
    out = Path(out)
    done = pd.read_csv(out) if out.exists() else pd.DataFrame(dict(seed=[]))
    for seed in range(int(first), int(last)):
        if (done.seed == seed).any(): continue
        done = pd.concat([done, study(seed)], ignore_index=True)
        written(done, out)
        print(seed, flush=True)


if __name__ == '__main__': main(*sys.argv[1:])
