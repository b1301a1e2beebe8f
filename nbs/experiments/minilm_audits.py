"""SAEs on all-MiniLM-L6-v2 judged by `audit_sae`: those of the study, and some that sae-lens trained.

    python minilm_audits.py train L0 ...       by sae-lens, where it is installed; width 1,536, layer 5, one pass
    python minilm_audits.py alone              every SAE that is there, without training
    python minilm_audits.py siblings L0 ...    those of sae-lens at these L0s, with siblings
    python minilm_audits.py tables             from the runs to results/minilm_audits*.csv

Needs the activations of `minilm_study.py harvest` and the sweep of `minilm_study.py batchtopk 5`. Every piece goes on
where it was stopped. Rows are held-out tokens of layer 5; the features of a language model are not known, so a verdict
is held against probes: F1 of the study's 113 tasks at the same L0 (`minilm_study_by_l0.csv`).
"""
import sys
import tempfile
from pathlib import Path

import pandas as pd
import torch

from sae_l0_nb.audit import audit_sae
from sae_l0_nb.fits import chances, judged
from sae_l0_nb.formats import read_sae
from sae_l0_nb.sources import open_source

RUNS, RESULTS = Path('_runs'), Path('results')
LAYER, WIDTH, BATCH, LR = 5, 1536, 1024, 6e-4
STORE, LENS = RUNS/f'minilm_big_l{LAYER}', RUNS/f'sae_lens_w{WIDTH}_l{LAYER}'


def train(*l0s):
    "BatchTopK of sae-lens, one pass over the store, saved as it saves them."
    import score_audits
    from score_audits import trained_by_sae_lens
    store = open_source(STORE)
    score_audits.LR, score_audits.BATCH, score_audits.STEPS = LR, BATCH, len(store)//BATCH
    for l0 in map(float, l0s):
        folder = LENS/f'k{l0:g}'
        if folder.exists(): continue
        with tempfile.TemporaryDirectory(dir=RUNS) as tmp:
            trained_by_sae_lens(store, WIDTH, l0, 0, Path(tmp)/'sae')
            folder.parent.mkdir(exist_ok=True)
            (Path(tmp)/'sae').rename(folder)
        print(folder, flush=True)


def folders():
    "(who trained it, folder) of every SAE."
    study = sorted((RUNS/f'study_w{WIDTH}_l{LAYER}'/'saes').glob('k*_seed0'))
    return [('study', o) for o in study] + [('sae-lens', o) for o in sorted(LENS.glob('k*'))]


def row_of(by, folder, a):
    "What one audit says."
    row = dict(by=by, sae=folder.name, declared=a.declared, l0=a.l0, verdict=a.verdict, reason=a.reason,
               explained=a.measured.explained, suspects=' '.join(s.name for s in a.suspects), **a.cost)
    for r in a.readings:
        row |= {f'{r.name}_l0': r.l0, f'{r.name}_verdict': judged(r, a.l0)[0], f'{r.name}_reason': r.reason}
        if r.l0 > 0: row |= {f'{r.name}_{name.replace(" ", "_")}': p for name, p in chances(r, a.l0).items()}
    return row | a.witnesses


def alone():
    source, rows = open_source(STORE), []
    for by, folder in folders():
        rows.append(row_of(by, folder, audit_sae(read_sae(folder), source, progress=False)))
        print(by, folder.name, rows[-1]['l0'], rows[-1]['verdict'], rows[-1]['alone_l0'], flush=True)
        pd.DataFrame(rows).to_csv(RUNS/'audits_alone.csv', index=False)


def siblings(*l0s):
    source = open_source(STORE)
    for l0 in map(float, l0s):
        folder = LENS/f'k{l0:g}'
        checkpoint = RUNS/f'audit_siblings_k{l0:g}'
        a = audit_sae(read_sae(folder), source, siblings=True, checkpoint=checkpoint, progress=False)
        print(a, flush=True)
        a.siblings.assign(sae=folder.name).to_csv(RUNS/f'audit_siblings_k{l0:g}.csv', index=False)
        pd.DataFrame([row_of('sae-lens', folder, a)]).to_csv(RUNS/f'audit_with_siblings_k{l0:g}.csv', index=False)
        a.save(RUNS/f'audit_card_k{l0:g}')


def tables():
    "Rounded, without what differs from run to run."
    said = pd.read_csv(RUNS/'audits_alone.csv').drop(columns='seconds')
    said.round(5).to_csv(RESULTS/'minilm_audits.csv', index=False)
    for name in ('audit_with_siblings', 'audit_siblings'):
        found = [pd.read_csv(o) for o in sorted(RUNS.glob(f'{name}_k*.csv'))]
        if found: pd.concat(found).round(5).to_csv(RESULTS/f'minilm_{name}.csv', index=False)


if __name__ == '__main__':
    torch.set_num_threads(1)
    dict(train=train, alone=alone, siblings=siblings, tables=tables)[sys.argv[1]](*sys.argv[2:])
