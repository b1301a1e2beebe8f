"""Train SAEs on the large world with sae-lens's own trainer. Runs where sae-lens is installed; prints a line of JSON for each.

    python sae_lens_peer.py batchtopk STEPS K [K ...]
    python sae_lens_peer.py jumprelu STEPS LAMBDA [LAMBDA ...]
"""
import importlib.metadata, json, sys, time
from pathlib import Path

import torch

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
from sae_lens.config import LoggingConfig, SAETrainerConfig
from sae_lens.saes.batchtopk_sae import BatchTopKTrainingSAE, BatchTopKTrainingSAEConfig
from sae_lens.saes.jumprelu_sae import JumpReLUTrainingSAE, JumpReLUTrainingSAEConfig
from sae_lens.training.sae_trainer import SAETrainer

from sae_l0_nb.metrics import c_dec, mcc
from sae_l0_nb.toy import ToyModel


def batchtopk(k: float):
    return BatchTopKTrainingSAE(BatchTopKTrainingSAEConfig(d_in=100, d_sae=50, k=k, decoder_init_norm=0.1)), 3e-4


def jumprelu(lam: float):
    "Anthropic's recipe, as the paper uses it."
    return JumpReLUTrainingSAE(JumpReLUTrainingSAEConfig(
        d_in=100, d_sae=50, decoder_init_norm=0.1, jumprelu_sparsity_loss_mode='tanh', jumprelu_bandwidth=2.0, jumprelu_ste_to_input=True,
        l0_coefficient=lam, l0_warm_up_steps=10_000, pre_act_loss_coefficient=3e-6)), 2e-4


def train(kind: str, n_steps: int, value: float) -> dict:
    toy = ToyModel.large()
    torch.manual_seed(0)
    sae, lr = dict(batchtopk=batchtopk, jumprelu=jumprelu)[kind](value)
    cfg = SAETrainerConfig(
        n_checkpoints=0, checkpoint_path=None, save_final_checkpoint=False, total_training_samples=n_steps*1024, device='cpu', autocast=False,
        lr=lr, lr_end=lr, lr_scheduler_name='constant', lr_warm_up_steps=0, adam_beta1=0.9, adam_beta2=0.999, lr_decay_steps=0,
        n_restart_cycles=1, train_batch_size_samples=1024, dead_feature_window=1000, feature_sampling_window=2000, n_batches_for_norm_estimate=1000,
        logger=LoggingConfig(log_to_wandb=False, eval_every_n_wandb_logs=2**31 - 1))
    trainer = SAETrainer(cfg=cfg, sae=sae, data_provider=toy.batches(1024))
    start = time.perf_counter()
    trainer.fit()
    seconds = (time.perf_counter() - start)/n_steps
    with torch.no_grad(): l0 = (sae.encode(toy.heldout(65_536)) > 0).sum(1).float().mean().item()
    W = sae.W_dec.detach()
    extra = dict(at_zero=(sae.threshold <= 0).float().mean().item()) if kind == 'jumprelu' else {}
    return extra | dict({'k' if kind == 'batchtopk' else 'lam': value}, seconds_per_step=seconds, n_steps=n_steps, l0=l0, c_dec=c_dec(W).item(),
                mcc=mcc(W, toy.features).item(), version=importlib.metadata.version('sae-lens'))


if __name__ == '__main__':
    for value in sys.argv[3:]: print(json.dumps(train(sys.argv[1], int(sys.argv[2]), float(value))), flush=True)
