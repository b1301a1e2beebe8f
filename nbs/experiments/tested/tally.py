"""What the scripts beside it share: work that writes files, processes of their own, and the table that counts.

A trial returns '' if it came out right, and otherwise words that say what was wrong.
"""
import os
import sys
import tempfile
from pathlib import Path

import numpy as np
import pandas as pd
import torch

from sae_l0_nb.calibrate import calibrate_l0
from sae_l0_nb.files import write_json
from sae_l0_nb.harvest_run import harvest
from sae_l0_nb.models import tiny_model, tiny_texts
from sae_l0_nb.probe_sweep import probe_sweep
from sae_l0_nb.sae import init_bank
from sae_l0_nb.sweep import sweep
from sae_l0_nb.toy import ToyModel

torch.set_num_threads(1) # no pool of threads, so that a process may be copied
ROWS, MODEL, TEXTS = ToyModel.small().heldout(2000), tiny_model('gpt2'), tiny_texts(100)
LABELS = np.arange(400) % 2
TASKS = {f'task {i}': (torch.randn(400, 8, generator=torch.Generator().manual_seed(i)), LABELS) for i in range(3)}

def run_sweep(folder, seed=0):
    settings = dict(seeds=[seed, seed + 1], at_once=2, n_samples=64*20, batch_size=64, checkpoint_every=4)
    sweep(ROWS, 5, [1.5, 2], folder, progress=False, **settings)

def run_harvest(folder, seed=0):
    harvest(MODEL, TEXTS[seed:], [0, 2], folder, max_length=64, shard_rows=200, progress=False)

def run_calibration(folder, seed=0):
    "Its checkpoints keep the seconds, so `contents` leaves them out."
    settings = dict(l0s=[1, 1.5, 2, 3], n_samples=10_240, n_rounds=1, control=False, checkpoint_every=5)
    r = calibrate_l0(ROWS, 5, seeds=[seed], n_eval=200, checkpoint=folder/'run', progress=False, **settings)
    write_json(folder/'answer.json', dict(verdict=r.verdict, l0=repr(r.l0), table=r.table.to_csv()))

def run_probes(folder, seed=0):
    bank = init_bank(8, 20, [3, 5], seeds=[seed, seed])
    table = probe_sweep(bank, TASKS, n_latents=(1, 4), n_boot=20, cache=folder, progress=False)
    write_json(folder/f'table-{seed}.json', table.to_csv())

WORK = dict(sweep=run_sweep, harvest=run_harvest, calibration=run_calibration, probes=run_probes)

def outcome(work, *args):
    "'' if it was done; 'refused: ..' for a ValueError with words; else what came out instead."
    try: work(*args)
    except ValueError as e: return f'refused: {e}' if str(e) else 'a ValueError without words'
    except Exception as e: return f'{type(e).__name__}: {e}'
    return ''

def start(work, *args): # number of the process, where its outcome can be read
    "The same in a copy of this process."
    read, write = os.pipe()
    if pid := os.fork():
        os.close(write)
        return pid, read
    os.dup2(os.open(os.devnull, os.O_WRONLY), 2)
    os.write(write, outcome(work, *args).encode()[:4000])
    os._exit(0)

def ended(pid, read):
    with os.fdopen(read, 'rb') as f: words = f.read().decode(errors='replace')
    status = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    return words if status == 0 else f'ended by {status}'

def alone(work, *args): return ended(*start(work, *args))

def contents(folder, pattern='**/*'): # name -> bytes
    names = {str(p.relative_to(folder)): p for p in sorted(Path(folder).glob(pattern)) if p.is_file()}
    return {name: p.read_bytes() for name, p in names.items() if not name.startswith('run/')}

def difference(folder, whole, pattern='**/*'):
    "'' if a folder holds what it should, byte for byte; else the first name that differs."
    found = contents(folder, pattern)
    for name in sorted({*found, *whole}):
        if name not in found: return f'{name} is missing'
        if name not in whole: return f'{name} is left over'
        if found[name] != whole[name]: return f'{name} is another'
    return ''

def whole(work, *seeds, pattern='**/*'):
    "What undisturbed work leaves behind."
    with tempfile.TemporaryDirectory() as tmp:
        for seed in seeds or [0]: work(Path(tmp), seed)
        return contents(tmp, pattern)

def tally(kinds): # pairs (kind, what its trials returned) -> DataFrame: kind, trials, right, wrong
    "Count what came out; print a line for each kind and the first faults of it."
    rows = []
    for kind, found in kinds:
        faults = [words for words in found if words]
        rows.append(dict(kind=kind, trials=len(found), right=len(found) - len(faults), wrong=len(faults)))
        print(f'{kind:44}{len(found):6} trials{len(found) - len(faults):6} right{len(faults):6} wrong', flush=True)
        for words in sorted(set(faults))[:3]:
            print(f'    {kind}: {words[:400]}'.replace(tempfile.gettempdir(), '..'), flush=True)
    return pd.DataFrame(rows)

def command(main, n): # number of trials, unless it is given
    "Run a script: python SCRIPT [TRIALS [TABLE.csv]]"
    table = main(int(sys.argv[1]) if len(sys.argv) > 1 else n)
    if len(sys.argv) > 2: table.to_csv(sys.argv[2], index=False)
