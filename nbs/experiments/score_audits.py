"""Score `audit_sae` on SAEs that sae-lens trained, on worlds with known features that nothing was learned from.

    python score_audits.py OUT.csv KIND FIRST LAST
    python score_audits.py OUT.csv merge PART.csv ...

Runs where sae-lens is installed. KIND: language (`random_language_world`), wide (`wide_world`), orthogonal or superposed
(as many latents as features). FIRST to LAST: seeds of the worlds, the last one left out. Six SAEs a world, one row
each: sae-lens's BatchTopK at L0s drawn between a quarter and four times the L0 of best recovery, one in each of six
equal parts of that range in logarithms. They are saved and read from their folders as any released SAE.

Truth: what SAEs recover at an L0, read off a bank of three seeds of our own. An L0 fits if at most a tenth of the best
F1 of firing is lost at the L0 that sae-lens's SAE has; else it is too low or too high. Worlds that OUT has already are
not done again.
"""
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from sae_lens.config import LoggingConfig, SAETrainerConfig
from sae_lens.saes.batchtopk_sae import BatchTopKTrainingSAE, BatchTopKTrainingSAEConfig
from sae_lens.training.sae_trainer import SAETrainer

from sae_l0_nb.audit import audit_sae
from sae_l0_nb.fits import judged
from sae_l0_nb.formats import read_sae
from sae_l0_nb.recovery import best_l0, recovery
from sae_l0_nb.stages import default_settings
from sae_l0_nb.train import train_bank

sys.path.insert(0, str(Path(__file__).parent))
from audit_worlds import drawn
from score_worlds import loss_of
from witness_worlds import written

COMMIT = subprocess.run(['git', 'rev-parse', '--short', 'HEAD'], cwd=Path(__file__).parent, capture_output=True,
                        text=True, check=True).stdout.strip() # of the rule
N_SAES, REACH, LOST, BATCH, STEPS, LR = 6, 4., .1, 1024, 2500, 6e-4


def settings():
    "Adam with a rate that falls at the end; nothing is logged or saved."
    return SAETrainerConfig(
        n_checkpoints=0, checkpoint_path=None, save_final_checkpoint=False, total_training_samples=STEPS*BATCH,
        device='cpu', autocast=False, lr=LR, lr_end=LR/10, lr_scheduler_name='constant', lr_warm_up_steps=100,
        adam_beta1=.9, adam_beta2=.999, lr_decay_steps=STEPS//3, n_restart_cycles=1, train_batch_size_samples=BATCH,
        dead_feature_window=300, feature_sampling_window=2000, n_batches_for_norm_estimate=100,
        logger=LoggingConfig(log_to_wandb=False, eval_every_n_wandb_logs=2**31 - 1))


def trained_by_sae_lens(world, width, k, seed, folder):
    "A folder with an SAE of sae-lens."
    torch.manual_seed(seed)
    sae = BatchTopKTrainingSAE(BatchTopKTrainingSAEConfig(d_in=world.d_in, d_sae=width, k=k))
    SAETrainer(cfg=settings(), sae=sae, data_provider=world.batches(BATCH, seed=seed)).fit()
    sae.save_inference_model(str(folder))


def what_is_recovered(world, width, l0):
    "F1 of firing by L0."
    l0s = np.geomspace(max(.5, l0/5), min(5*l0, .8*width, world.d_in), 11)
    bank, _ = train_bank(world, width, l0s, seeds=(7, 8, 9), n_logs=1, n_heldout=16_384, progress=False,
                         **default_settings(width, world.d_in))
    table = pd.DataFrame(recovery(bank, world)).assign(k=bank.k.numpy())
    return table.groupby('k').mean().reset_index()


def l0s_of(best, most, seed):
    "The L0s of six SAEs."
    part = (np.arange(N_SAES) + np.random.default_rng([16, seed]).random(N_SAES))/N_SAES
    return np.clip(best*np.exp((2*part - 1)*np.log(REACH)), .5, most)


def score(kind, seed):
    "Rows of one world."
    world, width, about = drawn(kind, seed)
    curve = what_is_recovered(world, width, about['true_l0_at_width'])
    best, rows = best_l0(curve.k.to_numpy(), curve.f1.to_numpy()).l0, []
    for i, k in enumerate(l0s_of(best, .8*width, seed)):
        with tempfile.TemporaryDirectory() as tmp:
            trained_by_sae_lens(world, width, k, 100*seed + i, Path(tmp)/'sae')
            sae = read_sae(Path(tmp)/'sae')
        own = recovery(sae.bank, world)
        a = audit_sae(sae, world, siblings=True, progress=False)
        lost = loss_of(curve, 'f1', a.l0)
        truth = 'fits' if lost <= LOST else 'too low' if a.l0 < best else 'too high'
        read = {r.name: r for r in a.readings}
        said = {f'{name}_{what}': value for name, r in read.items()
                for what, value in dict(l0=r.l0, verdict=judged(r, a.l0)[0]).items()}
        rows.append(dict(
            kind=kind, seed=seed, width=width, d_in=world.d_in, k=k, l0=a.l0, best=best, lost=lost, truth=truth,
            f1=own['f1'][0], verdict=a.verdict, **said, suspects=' '.join(s.name for s in a.suspects),
            reason=a.reason, seconds=a.cost['seconds'], commit=COMMIT))
    return pd.DataFrame(rows)


def main(out, kind, first, last):
    torch.set_num_threads(1)
    out = Path(out)
    done = pd.read_csv(out, dtype=dict(commit=str)) if out.exists() else pd.DataFrame(dict(kind=[], seed=[]))
    for seed in range(int(first), int(last)):
        if ((done.kind == kind) & (done.seed == seed)).any(): continue
        rows = score(kind, seed)
        done = pd.concat([done, rows], ignore_index=True)
        written(done, out)
        print(rows[['kind', 'seed', 'l0', 'best', 'truth', 'verdict', 'alone_verdict']].to_string(index=False), flush=True)


def merge(out, parts):
    table = pd.concat([pd.read_csv(part, dtype=dict(commit=str)) for part in parts], ignore_index=True)
    written(table.sort_values(['kind', 'seed', 'l0']), Path(out))


if __name__ == '__main__':
    if sys.argv[2:3] == ['merge']: merge(sys.argv[1], sys.argv[3:])
    else: main(*sys.argv[1:])
