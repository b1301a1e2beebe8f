"""Train the grid of the MiniLM study with sparse steps and with dense ones, on the same batches.

    python sparse_step.py STORE OUT.csv [N_SAMPLES]

STORE: activations of layer 3 as `minilm_study.py` harvests them. One row for each step kind, seed and L0.
"""
import sys
import time

import pandas as pd
import torch

from sae_l0_nb import step
from sae_l0_nb.metrics import evaluate
from sae_l0_nb.sources import open_source
from sae_l0_nb.train import train_bank

L0S = [2, 4, 8, 16, 32, 64, 96, 128, 192, 256, 384]
WIDTH, SETTINGS = 1536, dict(batch_size=256, lr=2e-3, progress=False, n_logs=1)
SHARES = dict(sparse=step.SPARSE['share'], dense=0) # with a limit of 0 every step is dense


def one_grid(source, kind, seed, n_samples):
    "Eleven SAEs, what they are like, and what they took."
    step.SPARSE['share'] = SHARES[kind]
    start, used = time.perf_counter(), time.process_time()
    bank, _ = train_bank(source, WIDTH, L0S, seeds=[seed], n_samples=n_samples, **SETTINGS)
    took = dict(seconds=time.perf_counter() - start, cpu_seconds=time.process_time() - used)
    found = evaluate(bank, source.heldout(16_384))
    columns = {name: found[name] for name in ('l0', 'mse', 'variance_explained', 'frac_dead', 'c_dec')}
    return pd.DataFrame(dict(kind=kind, seed=seed, k=L0S, n_samples=n_samples, **columns, **took))


def main(store, out, n_samples=300_000):
    torch.set_num_threads(1)
    source, rows = open_source(store), []
    for seed in (0, 1):
        for kind in ('sparse', 'dense'):
            rows.append(one_grid(source, kind, seed, int(n_samples)))
            print(kind, seed, rows[-1][['seconds', 'cpu_seconds']].iloc[0].to_dict(), flush=True)
    pd.concat(rows).round(6).to_csv(out, index=False)


if __name__ == '__main__': main(*sys.argv[1:])
