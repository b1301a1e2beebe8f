"""What a training step of one SAE costs: here, in other libraries, and in bare matrix products, in turns.

    PEER_PYTHON=.../bin/python python step_speed.py OUT.csv

PEER_PYTHON: an interpreter with sae-lens and dictionary-learning. One row for each shape, L0 and turn, in milliseconds.
"""
import itertools
import os
import subprocess
import sys
import time
from pathlib import Path

import pandas as pd
import torch

from sae_l0_nb import step
from sae_l0_nb.cost import member_bytes, step_bytes
from sae_l0_nb.sae import init_bank
from sae_l0_nb.trainer import Trainer
from step_speed_peers import PEERS, draw_batches

TURNS, MEMORY, SHARE = 3, 6e9, step.SPARSE['share']
# d_in, d_sae, batch, members, L0s, steps that warm up, and steps of a turn: of ours, dense ones of ours, of the peers
SHAPES = [
    (100, 50, 1024, 25, (5, 11, 20), 20, (40, 40, 200)),
    (384, 1536, 256, 8, (16, 64, 256), 20, (20, 10, 40)),
    (384, 3072, 1024, 8, (16, 32, 64, 256), 20, (4, 2, 10)),
    (768, 6144, 1024, 8, (16, 32, 64, 256), 10, (2, 1, 4)),
    (2304, 16_384, 256, 8, (16, 64, 256), 4, (1, 1, 2))]


class Peer:
    "A process of another library's trainer."
    def __init__(self, name):
        script = Path(__file__).with_name('step_speed_peers.py')
        command, pipe = [os.environ['PEER_PYTHON'], str(script), name], subprocess.PIPE
        self.process = subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=subprocess.DEVNULL, text=True)
        self.version = self.heard()

    def heard(self):
        line = self.process.stdout.readline()
        if not line: raise RuntimeError('the peer has stopped; run its script by hand to see why')
        return line.strip()

    def tell(self, *words):
        print(*words, file=self.process.stdin, flush=True)

    def run(self, steps): # -> milliseconds of a step
        self.tell('run', steps)
        return float(self.heard())


def timed(f, n):
    "Milliseconds of a call, mean of n: time on the processor, so that waiting for it does not count."
    start = time.process_time()
    for _ in range(n): f()
    return (time.process_time() - start)*1e3/n


def fitting(m, *shape):
    "At most m members, as many as fit into MEMORY."
    def needed(n): return n*member_bytes(*shape[:2]) + step_bytes(*shape, m=n)
    return next(n for n in range(m, 0, -1) if n == 1 or needed(n) <= MEMORY)


class Ours:
    "A bank in training; the same weights go on with each kind of step."
    def __init__(self, d_in, d_sae, batch, m, l0):
        self.trainer = Trainer(init_bank(d_in, d_sae, [l0]*m, range(m)), dead_after=10**9)
        self.data = itertools.cycle(draw_batches(d_in, batch))

    def run(self, steps, share=SHARE, dtype=None): # -> milliseconds of a step of one member
        trainer = self.trainer
        step.SPARSE['share'], trainer.dtype = share, dtype
        return timed(lambda: trainer.step(next(self.data), trainer.bank.k), steps)/len(trainer.bank)


class Products:
    "The bare products of one SAE's step; all results are written into memory that is there."
    def __init__(self, d_in, d_sae, batch, *_):
        gen = torch.Generator().manual_seed(0)
        shapes = dict(x=(batch, d_in), W=(d_in, d_sae), D=(d_sae, d_in), a=(batch, d_sae))
        self.t = {name: torch.randn(*shape, generator=gen) for name, shape in shapes.items()}
        self.rounded = {name: t.bfloat16() for name, t in self.t.items()}
        self.out = {name: torch.zeros(*shape) for name, shape in shapes.items()}
        self.out_rounded = self.out['a'].bfloat16()

    def encode(self): torch.mm(self.t['x'], self.t['W'], out=self.out['a'])

    def encode_rounded(self): torch.mm(self.rounded['x'], self.rounded['W'], out=self.out_rounded)

    def all_five(self):
        x, W, D, a = self.t.values()
        torch.mm(x, W, out=self.out['a'])
        torch.mm(a, D, out=self.out['x'])
        torch.mm(x, D.T, out=self.out['a'])
        torch.mm(a.T, x, out=self.out['D'])
        torch.mm(x.T, a, out=self.out['W'])


def one_turn(ours, products, peers, steps):
    "Each of them once; ours stands between the peers. Milliseconds of a step of one SAE."
    n, n_dense, n_peer = steps
    def encode(): return timed(products.encode, n_peer)
    before, here, after = encode(), ours.run(n), encode()
    return dict(
        ours=here,
        encode=(before + after)/2,
        sae_lens=peers['sae-lens'].run(n_peer),
        ours_bfloat16=ours.run(n, dtype=torch.bfloat16),
        sae_lens_bfloat16=peers['sae-lens autocast'].run(n_peer),
        encode_bfloat16=timed(products.encode_rounded, n_peer),
        dictionary_learning=peers['dictionary-learning'].run(n_peer),
        ours_dense=ours.run(n_dense, share=0),
        products=timed(products.all_five, n_peer))


def warmed(shape, l0, n_warm, peers):
    "Ours, the products and the peers, each with its first steps done."
    ours, products = Ours(*shape, l0), Products(*shape)
    ours.run(n_warm)
    ours.run(1, share=0)
    ours.run(1, dtype=torch.bfloat16)
    for f in (products.encode, products.encode_rounded, products.all_five): f()
    for peer in peers.values():
        peer.tell('new', *shape[:3], l0)
        peer.run(n_warm)
    return ours, products


def write(rows, out):
    "The whole table or nothing."
    temporary = f'{out}.tmp'
    pd.DataFrame(rows).round(4).to_csv(temporary, index=False)
    os.replace(temporary, out)


def main(out):
    torch.set_num_threads(1)
    peers, rows = {name: Peer(name) for name in PEERS}, []
    versions = dict(torch=torch.__version__)
    versions |= {f'{name} version': peers[name].version for name in ('sae-lens', 'dictionary-learning')}
    for d_in, d_sae, batch, m, l0s, n_warm, steps in SHAPES:
        m = fitting(m, d_in, d_sae, batch)
        for l0 in l0s:
            ours, products = warmed((d_in, d_sae, batch, m), l0, n_warm, peers)
            about = dict(d_in=d_in, d_sae=d_sae, batch=batch, members=m, l0=l0)
            about['sparse'] = step.pays_sparse(l0, d_in=d_in, d_sae=d_sae, b=batch)
            for turn in range(TURNS):
                rows.append(about | dict(turn=turn) | one_turn(ours, products, peers, steps) | versions)
                print(*rows[-1].values(), flush=True)
                write(rows, out)


if __name__ == '__main__': main(*sys.argv[1:])
