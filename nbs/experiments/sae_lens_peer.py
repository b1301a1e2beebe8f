"""Train SAEs on the large world with sae-lens's own trainer. Runs where sae-lens is installed.

Prints a line of JSON for each SAE:

    python sae_lens_peer.py batchtopk STEPS K [K ...]
    python sae_lens_peer.py jumprelu STEPS LAMBDA [LAMBDA ...]
"""
import importlib.metadata
import json
import sys
import time
from pathlib import Path

import torch

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
from sae_lens.config import LoggingConfig, SAETrainerConfig
from sae_lens.saes.batchtopk_sae import BatchTopKTrainingSAE, BatchTopKTrainingSAEConfig
from sae_lens.saes.jumprelu_sae import JumpReLUTrainingSAE, JumpReLUTrainingSAEConfig
from sae_lens.training.sae_trainer import SAETrainer

from sae_l0_nb.metrics import c_dec, mcc
from sae_l0_nb.toy import ToyModel


def batchtopk(k: float): # -> SAE, learning rate
    "The paper's recipe."
    cfg = BatchTopKTrainingSAEConfig(d_in=100, d_sae=50, k=k, decoder_init_norm=0.1)
    return BatchTopKTrainingSAE(cfg), 3e-4


def jumprelu(lam: float): # -> SAE, learning rate
    "Anthropic's recipe, as the paper uses it."
    cfg = JumpReLUTrainingSAEConfig(
        d_in=100,
        d_sae=50,
        decoder_init_norm=0.1,
        jumprelu_sparsity_loss_mode='tanh',
        jumprelu_bandwidth=2.0,
        jumprelu_ste_to_input=True,
        l0_coefficient=lam,
        l0_warm_up_steps=10_000,
        pre_act_loss_coefficient=3e-6)
    return JumpReLUTrainingSAE(cfg), 2e-4


def settings(n_steps: int, lr: float) -> SAETrainerConfig:
    "Adam at a constant rate in batches of 1,024; nothing is logged or saved."
    return SAETrainerConfig(
        n_checkpoints=0,
        checkpoint_path=None,
        save_final_checkpoint=False,
        total_training_samples=n_steps*1024,
        device='cpu',
        autocast=False,
        lr=lr,
        lr_end=lr,
        lr_scheduler_name='constant',
        lr_warm_up_steps=0,
        adam_beta1=0.9,
        adam_beta2=0.999,
        lr_decay_steps=0,
        n_restart_cycles=1,
        train_batch_size_samples=1024,
        dead_feature_window=1000,
        feature_sampling_window=2000,
        n_batches_for_norm_estimate=1000,
        logger=LoggingConfig(log_to_wandb=False, eval_every_n_wandb_logs=2**31 - 1))


@torch.no_grad()
def measured(sae, toy) -> dict:
    "L0, c_dec and mcc of the trained SAE."
    W_dec = sae.W_dec.detach()
    l0 = (sae.encode(toy.heldout(65_536)) > 0).sum(1).float().mean().item()
    return dict(l0=l0, c_dec=c_dec(W_dec).item(), mcc=mcc(W_dec, toy.features).item())


def train(kind: str, n_steps: int, value: float) -> dict:
    "Train one SAE; its settings, time and measures."
    toy = ToyModel.large()
    torch.manual_seed(0)
    sae, lr = dict(batchtopk=batchtopk, jumprelu=jumprelu)[kind](value)
    trainer = SAETrainer(cfg=settings(n_steps, lr), sae=sae, data_provider=toy.batches(1024))
    start = time.perf_counter()
    trainer.fit()
    seconds = (time.perf_counter() - start)/n_steps
    row = dict(at_zero=(sae.threshold <= 0).float().mean().item()) if kind == 'jumprelu' else {}
    row['k' if kind == 'batchtopk' else 'lam'] = value
    row |= dict(seconds_per_step=seconds, n_steps=n_steps) | measured(sae, toy)
    return row | dict(version=importlib.metadata.version('sae-lens'))


if __name__ == '__main__':
    kind, n_steps, *values = sys.argv[1:]
    for value in values: print(json.dumps(train(kind, int(n_steps), float(value))), flush=True)
