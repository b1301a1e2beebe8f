"""Memory and time of an audit at the size of released SAEs.

    python wide_audit.py D_SAE D_IN [N_THREADS]     adds a row to results/wide_audit.csv

The SAE is made up: a JumpReLU in SAELens's format whose decoder rows are random directions. Rows have twenty of its first
4 D_IN directions each, so that it explains them. Read from its folder and audited alone, in a process of its own; the
most memory is what the process had at its height, without what making the rows took.
"""
import json
import sys
import tempfile
import threading
import time
from pathlib import Path

import pandas as pd
import torch
from safetensors import safe_open
from safetensors.torch import save_file

from sae_l0_nb.audit import audit_sae
from sae_l0_nb.formats import read_sae
from sae_l0_nb.sources import TensorSource
from sae_l0_nb.toy import stream

OUT = Path(__file__).parent/'results/wide_audit.csv'
ACTIVE, SIZE, GB = 20, 4., 2**30 # directions in a row, and how much of each


def made_up(folder, d_sae, d_in):
    "Files as SAELens writes them."
    D = torch.nn.functional.normalize(torch.randn(d_sae, d_in, generator=stream(0)), dim=1)
    zeros = dict(b_enc=torch.zeros(d_sae), b_dec=torch.zeros(d_in))
    save_file(dict(W_dec=D, W_enc=D.T.contiguous(), threshold=torch.full((d_sae,), SIZE/2), **zeros),
              folder/'sae_weights.safetensors')
    cfg = dict(architecture='jumprelu', d_in=d_in, d_sae=d_sae, dtype='float32', device='cpu',
               apply_b_dec_to_input=True, normalize_activations='none', metadata={})
    (folder/'cfg.json').write_text(json.dumps(cfg))


def rows_of(folder, n, d_in):
    "Rows [n, d_in], a part at a time."
    with safe_open(folder/'sae_weights.safetensors', 'pt') as f: D = f.get_slice('W_dec')[:4*d_in]
    gen, x = stream(1), torch.empty(n, d_in)
    for part in x.split(1024):
        fires = torch.rand(len(part), len(D), generator=gen) < ACTIVE/len(D)
        part.copy_(SIZE*fires.float() @ D + .1*torch.randn(part.shape, generator=gen))
    return x


def resident():
    "Bytes of memory that this process holds."
    return int(Path('/proc/self/statm').read_text().split()[1])*4096


def height(f):
    "What f gives, and the most memory held while it ran."
    most, over = [resident()], threading.Event()
    def watch():
        while not over.wait(.02): most[0] = max(most[0], resident())
    watcher = threading.Thread(target=watch)
    watcher.start()
    try: return f(), most[0]
    finally:
        over.set()
        watcher.join()


def main(d_sae, d_in, n_threads=1):
    d_sae, d_in = int(d_sae), int(d_in)
    torch.set_num_threads(int(n_threads))
    n = max(16_384, 8*d_in)
    with tempfile.TemporaryDirectory() as tmp:
        folder = Path(tmp)
        made_up(folder, d_sae, d_in)
        source = TensorSource(rows_of(folder, n + 100, d_in), frac_heldout=n/(n + 100))
        before, began = resident(), time.perf_counter()
        a, most = height(lambda: audit_sae(read_sae(folder), source, progress=False))
        seconds = time.perf_counter() - began
    weights = 2*d_sae*d_in*4
    row = dict(d_sae=d_sae, d_in=d_in, rows=n, threads=int(n_threads), weights_gb=weights/GB, before_gb=before/GB,
               most_gb=most/GB, over_weights=(most - before)/weights, seconds=round(seconds), l0=a.l0, verdict=a.verdict)
    print(a, row, sep='\n')
    done = [pd.read_csv(OUT)] if OUT.exists() else []
    pd.concat([*done, pd.DataFrame([row])]).round(3).to_csv(OUT, index=False)


if __name__ == '__main__': main(*sys.argv[1:])
