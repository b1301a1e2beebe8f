"""The probing of the MiniLM study once more, split by distinct text and by row, on the same SAEs and activations.

    python repeated_texts_study.py LAYER     needs the runs of minilm_study.py (harvest, batchtopk); continues a run
    python repeated_texts_study.py tables    from the runs to results/repeated_texts_study.csv

What was expected, fixed before: scores by distinct text are lower, for the dense probe too. If the L0s that cannot be
told from the best move, the study's answer was partly about memory of texts; if they stay, it was not.
"""
import sys

import numpy as np
import pandas as pd
import torch

from minilm_study import RUNS, RESULTS, folder, model
from sae_l0_nb.best_l0s import by_l0
from sae_l0_nb.harvest_folder import model_hash
from sae_l0_nb.models import load_model, resolve_layer
from sae_l0_nb.probe import distinct
from sae_l0_nb.probe_sweep import kept_activations, probe_sweep, read_saes
from sae_l0_nb.tasks import probe_task_names, read_task

L0S, N_TEXTS = (2, 8, 16, 32, 64, 128, 384), 1000
PROBING = dict(n_latents=[1, 16], kinds=('latents', 'dense'), n_texts=N_TEXTS, n_train=500, n_boot=0, progress=False)


def tasks_of(layer):
    "Name -> (activations, labels, groups) of every task that can be split, by text and by row."
    loaded, tokenizer = load_model(model())
    kept = dict(folder=RUNS/f'repeated_cache_l{layer}', key=model_hash(loaded), max_length=64, batch_tokens=4096)
    path = resolve_layer(loaded, layer)
    for name in probe_task_names():
        texts, labels = (part[:N_TEXTS] for part in read_task(name))
        x = kept_activations(loaded, tokenizer, path, texts, **kept)
        yield name, x, labels, distinct(texts)


def probe(layer):
    out = RUNS/f'repeated_study_l{layer}'
    out.mkdir(exist_ok=True)
    saes = {f'k{k}': sae for k in L0S for name, sae in read_saes(folder('batchtopk', layer)).items()
            if name == f'k{k}_seed0'}
    for name, x, labels, texts in tasks_of(layer):
        path = out/f'{name}.csv'
        if path.exists(): continue
        tables = []
        for split, groups in (('text', texts), ('row', np.arange(len(texts)))):
            try: table = probe_sweep(saes, {name: (x, labels, groups)}, **PROBING)
            except ValueError as e: print(f'{name}, by {split}: {e}', flush=True)
            else: tables.append(table.assign(split=split, n_distinct=len(np.unique(texts))))
        if tables: pd.concat(tables).drop(columns='latents').to_csv(path, index=False)


def tables():
    parts = []
    for layer in (3, 5):
        files = sorted((RUNS/f'repeated_study_l{layer}').glob('*.csv'))
        t = pd.concat([pd.read_csv(f) for f in files], ignore_index=True)
        both = t.groupby('task').split.nunique() == 2
        t = t[t.task.isin(both[both].index)] # the same tasks on both sides
        for split, rows in t.groupby('split'): parts.append(by_l0(rows).assign(layer=layer, split=split))
    pd.concat(parts).round(6).to_csv(RESULTS/'repeated_texts_study.csv', index=False)


def main(piece=''):
    torch.set_num_threads(1)
    if piece == 'tables': tables()
    elif piece in ('3', '5'): probe(int(piece))
    else: print(__doc__)


if __name__ == '__main__': main(*sys.argv[1:])
