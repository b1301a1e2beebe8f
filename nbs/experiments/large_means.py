"""Calibrations of one world whose activations were moved and stretched; each goes on where it was stopped.

    python large_means.py [NAME ..]     all cases, or those named; writes results/large_means.csv

The world is the large one (true L0 10.95). Spread is the root mean square deviation of a coordinate from its mean.
What would refute the claim "a constant changes nothing": an estimate under a shift outside the interval of the
estimate without one, or another verdict.
"""
import sys
from pathlib import Path

import pandas as pd
import torch

from sae_l0_nb.calibrate import calibrate_l0
from sae_l0_nb.metrics import mcc
from sae_l0_nb.toy import ToyModel

RESULTS = Path(__file__).parent/'results'
N_ROWS = 400_000 # of the tensor


def rows_of_world():
    toy = ToyModel.large()
    return toy, toy.sample(N_ROWS, torch.Generator().manual_seed(11))


def shifted(x, spreads): return x + spreads*spread(x)
def spread(x): return (x - x.mean(0)).square().mean().sqrt()


def huge_coordinates(x, n=3, mean=100., std=10.):
    "A few coordinates with a mean and a spread of their own, in spreads of the others."
    noise = torch.randn(len(x), n, generator=torch.Generator().manual_seed(12))
    x = x.clone()
    x[:, :n] = spread(x)*(mean + std*noise) + x[:, :n]
    return x


def usual(x, most=5.):
    "Which coordinates have a spread of at most so many medians of all spreads."
    spreads = x.std(0)
    return spreads <= most*spreads.median()


def without_huge(x): return x[:, usual(x)]


def one_direction(x, share=.9):
    "Normal noise along one direction, which then holds a share of the variance."
    g = torch.Generator().manual_seed(13)
    direction = torch.nn.functional.normalize(torch.randn(x.shape[1], generator=g), dim=0)
    total = x.var(0).sum()
    return x + (total*share/(1 - share)).sqrt()*torch.randn(len(x), 1, generator=g)*direction


CASES = {f'shift of {c}': lambda x, c=c: shifted(x, c) for c in (0, 1, 10, 100)} | {
    '3 huge coordinates': huge_coordinates,
    'those 3 coordinates left out': lambda x: without_huge(huge_coordinates(x)),
    '90% along one direction': one_direction,
    'that direction taken out': lambda x: without_top(one_direction(x))}


def without_top(x):
    "The rows without their first principal direction."
    mean = x.mean(0)
    _, vectors = torch.linalg.eigh(torch.cov((x - mean).T))
    top = vectors[:, -1]
    return x - ((x - mean) @ top)[:, None]*top


def row(name, centre):
    toy, x = rows_of_world()
    features = toy.features
    if 'left out' in name: features = features[:, usual(huge_coordinates(x))] # what is left of them
    r = calibrate_l0(CASES[name](x), 50, centre=centre, keep_saes=True, progress=False)
    near = r.sae(toy.true_l0)
    about = dict(case=name, centre=centre, truth=toy.true_l0, l0=r.l0, low=r.interval[0], high=r.interval[1])
    return about | dict(verdict=r.verdict, control=r.control, c_dec=r.table.c_dec.min(),
                        mcc_at_truth=mcc(near.W_dec, features).item(), reason=r.reason)


def main(*names):
    path = RESULTS/'large_means.csv'
    done = pd.read_csv(path) if path.exists() else pd.DataFrame(columns=['case', 'centre'])
    torch.set_num_threads(1)
    for name in names or CASES:
        for centre in (True, False):
            if len(done[(done.case == name) & (done.centre == centre)]): continue
            done = pd.concat([done, pd.DataFrame([row(name, centre)])], ignore_index=True)
            done.to_csv(path, index=False)
            print(done.iloc[-1].to_dict(), flush=True)


if __name__ == '__main__': main(*sys.argv[1:])
