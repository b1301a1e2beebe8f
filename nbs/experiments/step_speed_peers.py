"""Training steps of other libraries' BatchTopK trainers, one at a time, for `step_speed.py`.

Runs where the library is installed. It prints its version, then answers lines on its standard input:

    python step_speed_peers.py sae-lens              (or 'sae-lens autocast', dictionary-learning)
    new D_IN D_SAE BATCH L0                          a new trainer
    run STEPS                                        prints the milliseconds of a step on the processor, their mean
"""
import contextlib
import importlib.metadata
import itertools
import sys
import time

import torch


def draw_batches(d_in: int, batch: int, n: int = 8) -> list: # n tensors [batch, d_in]
    "What a language model's activations are like: a mean, 24 of many random directions at a time, and noise."
    gen = torch.Generator().manual_seed(0)
    directions = torch.nn.functional.normalize(torch.randn(2*d_in, d_in, generator=gen), dim=1)
    mean = torch.randn(d_in, generator=gen)/2

    def one():
        fires = torch.rand(batch, 2*d_in, generator=gen) < 24/(2*d_in)
        sizes = fires*(1 + torch.randn(batch, 2*d_in, generator=gen).abs())*(d_in/100)**.5
        return mean + sizes @ directions + torch.randn(batch, d_in, generator=gen)/5

    return [one() for _ in range(n)]


class SAELens:
    "sae-lens's own trainer and its loop; nothing is logged, and no latent counts as dead."
    name = 'sae-lens'

    def __init__(self, d_in, d_sae, batch, l0, device='cpu', autocast=False):
        from sae_lens.config import LoggingConfig, SAETrainerConfig
        from sae_lens.saes.batchtopk_sae import BatchTopKTrainingSAE, BatchTopKTrainingSAEConfig
        from sae_lens.training.sae_trainer import SAETrainer
        sae = BatchTopKTrainingSAE(BatchTopKTrainingSAEConfig(
            d_in=d_in,
            d_sae=d_sae,
            k=l0,
            decoder_init_norm=0.1,
            device=device))
        cfg = SAETrainerConfig(
            n_checkpoints=0,
            checkpoint_path=None,
            save_final_checkpoint=False,
            total_training_samples=batch,
            device=device,
            autocast=autocast,
            lr=3e-4,
            lr_end=3e-4,
            lr_scheduler_name='constant',
            lr_warm_up_steps=0,
            adam_beta1=0.9,
            adam_beta2=0.999,
            lr_decay_steps=0,
            n_restart_cycles=1,
            train_batch_size_samples=batch,
            dead_feature_window=10**9,
            feature_sampling_window=10**9,
            n_batches_for_norm_estimate=1,
            logger=LoggingConfig(log_to_wandb=False, eval_every_n_wandb_logs=2**31 - 1))
        data = itertools.cycle(x.to(device) for x in draw_batches(d_in, batch))
        self.trainer = SAETrainer(cfg=cfg, sae=sae, data_provider=data)
        self.batch = batch

    def run(self, steps):
        self.trainer.cfg.total_training_samples = self.trainer.n_training_samples + steps*self.batch
        self.trainer.fit()


class SAELensRounded(SAELens):
    "The same with its autocast to bfloat16."
    name = 'sae-lens autocast'

    def __init__(self, *args): super().__init__(*args, autocast=True)


class DictionaryLearning:
    "dictionary_learning's own trainer; no latent is dead for long enough to count."
    name = 'dictionary-learning'

    def __init__(self, d_in, d_sae, batch, l0, device='cpu'):
        from dictionary_learning.trainers.batch_top_k import BatchTopKTrainer
        about = dict(layer=0, lm_name='none', seed=0, lr=3e-4, warmup_steps=1, threshold_start_step=0)
        self.trainer = BatchTopKTrainer(10**6, d_in, d_sae, l0, device=device, **about)
        self.trainer.dead_feature_threshold = 10**12
        self.data = itertools.cycle(x.to(device) for x in draw_batches(d_in, batch))
        self.done = 0

    def run(self, steps):
        for x in itertools.islice(self.data, steps):
            self.trainer.update(self.done, x)
            self.done += 1


PEERS = {peer.name: peer for peer in (SAELens, SAELensRounded, DictionaryLearning)}


def answered(line: str, kind, peer): # -> the peer to go on with, and what to say
    "Do what one line asks."
    word, *numbers = line.split()
    numbers = [int(number) for number in numbers]
    if word == 'new': return kind(*numbers), None
    start = time.process_time() # on the processor, so that waiting for it does not count
    peer.run(*numbers)
    return peer, (time.process_time() - start)*1e3/numbers[0]


def main(name):
    torch.set_num_threads(1)
    out, peer = sys.stdout, None
    print(importlib.metadata.version(name.split()[0]), file=out, flush=True)
    with contextlib.redirect_stdout(sys.stderr): # whatever else is printed
        for line in sys.stdin:
            peer, said = answered(line, PEERS[name], peer)
            if said is not None: print(said, file=out, flush=True)


if __name__ == '__main__': main(*sys.argv[1:])
