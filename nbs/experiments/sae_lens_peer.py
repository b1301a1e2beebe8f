"Time sae-lens's toy trainer on the large world. Runs where sae-lens is installed; prints one line of JSON."
import importlib.metadata, json, sys, time
from pathlib import Path

import torch

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
from sae_lens.config import LoggingConfig, SAETrainerConfig
from sae_lens.saes.batchtopk_sae import BatchTopKTrainingSAE, BatchTopKTrainingSAEConfig
from sae_lens.training.sae_trainer import SAETrainer

from sae_l0_nb.metrics import c_dec
from sae_l0_nb.toy import ToyModel


def main(n_steps: int, k: float):
    toy = ToyModel.large()
    torch.manual_seed(0)
    sae = BatchTopKTrainingSAE(BatchTopKTrainingSAEConfig(d_in=100, d_sae=50, k=k, decoder_init_norm=0.1))
    cfg = SAETrainerConfig(
        n_checkpoints=0, checkpoint_path=None, save_final_checkpoint=False, total_training_samples=n_steps*1024, device='cpu', autocast=False,
        lr=3e-4, lr_end=3e-4, lr_scheduler_name='constant', lr_warm_up_steps=0, adam_beta1=0.9, adam_beta2=0.999, lr_decay_steps=0,
        n_restart_cycles=1, train_batch_size_samples=1024, dead_feature_window=1000, feature_sampling_window=2000, n_batches_for_norm_estimate=1000,
        logger=LoggingConfig(log_to_wandb=False, eval_every_n_wandb_logs=2**31 - 1))
    trainer = SAETrainer(cfg=cfg, sae=sae, data_provider=toy.batches(1024))
    start = time.perf_counter()
    trainer.fit()
    seconds = (time.perf_counter() - start)/n_steps
    print(json.dumps(dict(seconds_per_step=seconds, n_steps=n_steps, k=k, c_dec=c_dec(sae.W_dec.detach()).item(), version=importlib.metadata.version('sae-lens'))))


if __name__ == '__main__': main(int(sys.argv[1]), float(sys.argv[2]) if len(sys.argv) > 2 else 11.)
