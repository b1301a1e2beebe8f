"""What SAEs of half the width of the large world say at each L0, beside what they recover.

    python width25.py OUT.csv

25 latents, 50 features (appendix E.2 of the paper's version 4); two seeds for each L0, and one on normal data with the
same mean and covariance. One row for each L0, and for the L0s about the paper's also one after four times the
training. Three to four minutes of one core.
"""
import sys
from pathlib import Path

import pandas as pd
import torch

from sae_l0_nb.metrics import c_dec, cosine_matrix, mcc
from sae_l0_nb.recovery import features_for, recovery
from sae_l0_nb.sources import GaussianSource
from sae_l0_nb.stages import default_settings
from sae_l0_nb.toy import ToyModel
from sae_l0_nb.train import train_bank
from sae_l0_nb.witnesses import witness_table

WIDTH, SEEDS, N_EVAL = 25, (0, 1), 32_768
LONG = [6, 7, 7.6, 8, 8.5, 9, 10]
L0S = sorted({*range(1, 21), *LONG, 6.5, 7.3})
N_SAMPLES = 1_500_000 # four times what `calibrate_l0` gives an SAE of this width


def mixing(W_dec, features):
    "Mean |cosine| of latents with features that are not theirs: 0 where each latent is one feature."
    cos = cosine_matrix(W_dec, features).abs() # [s, g]
    return ((cos.sum(1) - cos.max(1).values)/(len(features) - 1)).mean().item()


def of_seeds(bank, **values):
    "One column for each value and seed, by L0."
    t = pd.DataFrame({name: value.numpy() for name, value in values.items()}).assign(k=bank.k.numpy())
    t = t.assign(seed=t.groupby('k').cumcount()).pivot(index='k', columns='seed')
    return t.set_axis([f'{name}_{seed}' for name, seed in t.columns], axis=1)


def study(l0s, n_samples):
    "The table after one length of training."
    world = ToyModel.large()
    settings = default_settings(WIDTH, world.d_in) | dict(n_samples=n_samples, n_logs=1, progress=False)
    normal = GaussianSource(world)
    bank, _ = train_bank(world, WIDTH, l0s, seeds=SEEDS, **settings)
    control, _ = train_bank(normal, WIDTH, l0s, seeds=SEEDS[:1], **settings)
    frequent = world.features[features_for(world, WIDTH)]
    seeds = of_seeds(bank, c_dec=c_dec(bank.W_dec), mcc=mcc(bank.W_dec, frequent))
    true = pd.DataFrame(recovery(bank, world, n=N_EVAL)).drop(columns='absorbed')
    true['mixing'] = [mixing(W, world.features) for W in bank.W_dec]
    true = true.assign(k=bank.k.numpy()).groupby('k').mean().add_prefix('true_')
    said = witness_table(bank, world.heldout(N_EVAL))
    on_normal = witness_table(control, normal.heldout(N_EVAL)).set_index('k')[['fvu', 'c_dec', 'fourth']]
    table = said.merge(true, on='k').merge(on_normal.add_prefix('normal_'), on='k').merge(seeds, on='k')
    return table.assign(n_samples=n_samples)


if __name__ == '__main__':
    torch.set_num_threads(1)
    tables = [study(L0S, N_SAMPLES), study(LONG, 4*N_SAMPLES)]
    pd.concat(tables).round(6).to_csv(Path(sys.argv[1]), index=False)
