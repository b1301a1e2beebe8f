"""Learn what one SAE says about its own L0: the weights of `alone`.

    python learn_audit.py              prints the table `LEARNED` of sae_l0_nb.alone, and how well it does
    python learn_audit.py gather PART.csv ...    puts what audit_worlds.py wrote into results/audit_worlds.csv

Ridge regression of log(L0/best L0) on ten signs and their products, over worlds whose best L0 is known. How well it
does is read off worlds that were left out, one at a time.
"""
import sys
from pathlib import Path

import numpy as np
import pandas as pd

from sae_l0_nb.alone import MOST, SIGNS, signs_of
from sae_l0_nb.recovery import best_l0

TABLE = Path(__file__).parent/'results/audit_worlds.csv'
RIDGE, REACH = 1e-2, 1.7 # REACH, of log(L0/best): what lies farther out is not learned from
TOYS = 4. # weight of an SAE of a toy world, of which there are fewer
KEPT = ['kind', 'seed', 'width', 'd_in', 'k', 'l0', 'best', 'lost', 'fvu', 'normal_fvu', 'enc_dec', 'density', 'useful',
        'fourth', 'frac_dead', 'normal_density', 'normal_useful', 'normal_l0']


def gather(parts):
    "One table of the runs of the usual length, with the best L0 of each world."
    d, rows = pd.concat([pd.read_csv(part) for part in parts]), []
    for _, t in d[d.share == 1].groupby(['kind', 'seed']):
        t = t.sort_values('k')
        best = best_l0(t.k.to_numpy(), t.true_f1.to_numpy()).l0
        rows.append(t.assign(best=best, lost=1 - t.true_f1/t.true_f1.max())[KEPT])
    pd.concat(rows).round(5).to_csv(TABLE, index=False)


def prepared(d):
    "Rows that are learned from, their signs [n, 10], log(L0/best) [n] and weights [n]."
    y = np.log(d.l0/d.best)
    d = d[(y.abs() < REACH) & d.fourth.notna()]
    signs = np.array([[signs_of(row)[name] for name in SIGNS] for row in d.to_dict('records')])
    return d, signs, np.log(d.l0/d.best).to_numpy(), np.where(d.kind == 'wide', 1., TOYS)


def terms(z):
    "1, the signs in units of their spread, and all their products [n, 66]."
    i, j = np.triu_indices(z.shape[1])
    return np.c_[np.ones(len(z)), z, z[:, i]*z[:, j]]


def learned(signs, y, weight):
    "Mean and spread of each sign, and the weights of the terms."
    mean, spread = signs.mean(0), signs.std(0)
    X = terms(np.clip((signs - mean)/spread, -MOST, MOST))
    ridge = RIDGE*len(X)*np.diag([0.] + [1.]*(X.shape[1] - 1))
    return mean, spread, np.linalg.solve((X*weight[:, None]).T @ X + ridge, X.T @ (weight*y))


def said(found, signs):
    "What weights say of signs."
    mean, spread, w = found
    return terms(np.clip((signs - mean)/spread, -MOST, MOST)) @ w


def left_out(d, signs, y, weight):
    "What is said of each world by weights that were learned on the others."
    worlds, out = (d.kind + d.seed.astype(str)).to_numpy(), np.zeros(len(y))
    for world in np.unique(worlds):
        at = worlds == world
        out[at] = said(learned(signs[~at], y[~at], weight[~at]), signs[at])
    return out


def in_code(values): return '[' + ', '.join(f'{v:.4g}' for v in values) + ']'


def main():
    d, signs, y, weight = prepared(pd.read_csv(TABLE))
    mean, spread, w = learned(signs, y, weight)
    low, high = np.quantile(signs, [.005, .995], axis=0)
    print('LEARNED = dict( # mean, spread, and what 99% of the SAEs learned from had')
    for i, name in enumerate(SIGNS): print(f'    {name}={in_code((mean[i], spread[i], low[i], high[i]))},')
    print(f'WEIGHTS = [ # of 1 and each sign; then of products of a sign with itself and those after it\n    {in_code(w[:11])},')
    parts = np.split(w[11:], np.cumsum(np.arange(10, 1, -1)))
    for part in parts: print(f'    {in_code(part)},')
    off = left_out(d, signs, y, weight) - y
    for kind, group in pd.Series(off).groupby(d.kind.to_numpy()): print(kind, f'rms {np.sqrt((group**2).mean()):.3f}')
    print(f'all: rms {np.sqrt((off**2).mean()):.3f}, {len(y)} SAEs')


if __name__ == '__main__':
    if sys.argv[1:2] == ['gather']: gather(sys.argv[2:])
    else: main()
