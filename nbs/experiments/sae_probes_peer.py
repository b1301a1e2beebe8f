"""Probe SAEs with sae-probes' own functions. Runs where sae-probes and sae-lens are installed; writes one row for each
SAE, task and k.

    python sae_probes_peer.py ACTIVATIONS SAES OUT.csv

ACTIVATIONS: folder of TASK.safetensors with x [n, d_in], one row for each text of the task; SAES: folder of SAELens
folders. sae-probes keeps activations as pickles and reads one for every SAE and task; here they are handed over in
memory, which saves it that time.
"""
import importlib
import importlib.metadata
import json
import sys
import tempfile
import time
from pathlib import Path

import pandas as pd
import torch
from safetensors.torch import load_file


def score(r):
    "One of their results as a row."
    return dict(n_latents=r['k'], f1=r['test_f1'], accuracy=r['test_acc'], auc=r['test_auc'], val_auc=r['val_auc'],
                latents=json.dumps(r['indices']))


def probe(evals, sae, task: str, folder: str) -> list[dict]:
    "Their results for k = 1 and 16, and the CPU seconds they took together."
    names = dict(dataset=task, hook_name='hook', reg_type='l2', setting='normal', model_name='model')
    start = time.process_time()
    evals.run_sae_eval(sae, **names, model_cache_path='', device='cpu', ks=[1, 16], results_path=folder)
    seconds = time.process_time() - start
    path = evals.get_save_metrics_path(**names, sae_results_path=folder)
    return [dict(task=task) | score(r) | dict(seconds=seconds) for r in json.loads(path.read_text())]


def probed(activations, saes):
    "A row for each SAE, task and k."
    import sae_probes.utils_data as data
    from sae_lens import SAE
    evals = importlib.import_module('sae_probes.run_sae_evals') # the package hides this module behind a function
    data.get_xvals = lambda task, *_: activations[task]
    for task in activations: data.get_yvals(task) # tables are read once; that is not timed
    rows = []
    for folder in saes:
        sae = SAE.load_from_disk(folder, device='cpu')
        for task in activations:
            with tempfile.TemporaryDirectory() as tmp: scores = probe(evals, sae, task, tmp)
            rows += [dict(sae=folder.name) | row for row in scores]
    return rows


def main(*args):
    if len(args) != 3: return print(__doc__)
    activations, saes, out = map(Path, args)
    torch.set_num_threads(1)
    x = {path.stem: load_file(path)['x'] for path in sorted(activations.glob('*.safetensors'))}
    table = pd.DataFrame(probed(x, sorted(saes.iterdir())))
    table.assign(version=importlib.metadata.version('sae-probes')).to_csv(out, index=False)


if __name__ == '__main__': main(*sys.argv[1:])
