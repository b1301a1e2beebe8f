"""Language worlds against the generator of sae-lens. Runs where sae-lens and fastcore are installed.

    python language_worlds_peer.py OUT.csv [CHUNKS]

Worlds of 1,024 features in 96 dimensions, flat and with 24 trees. First sae-lens draws rows of a world with the
very directions, weights and magnitudes of ours, so that only the law of drawing can differ. Then each builds worlds of
its own. A row for each world and measure: the mean of its values by either, and their differences in standard errors.
"""
import importlib.metadata
import sys
import time
from pathlib import Path

import numpy as np
import pandas as pd
import torch

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
from sae_lens.synthetic import (
    ActivationGenerator, FoldedNormalMagnitudeConfig, HierarchyConfig, LinearMagnitudeConfig, LowRankCorrelationConfig,
    LowRankCorrelationMatrix, OrthogonalizationConfig, SyntheticModel, SyntheticModelConfig,
    ZipfianFiringProbabilityConfig)

from sae_l0_nb.language_worlds import LanguageLaw, LanguageWorld

G, D_IN, ROWS, TOP = 1024, 96, 5000, 128 # TOP: features whose pairs are counted
LAWS = dict(flat=LanguageLaw(), trees=LanguageLaw(n_roots=24))
LAWS['scaled trees'] = LanguageLaw(n_roots=24, scaled=True) # children are stronger where their parent is


def config(law: LanguageLaw, seed: int, *, g: int = G, d_in: int = D_IN) -> SyntheticModelConfig:
    "The same settings in the words of sae-lens."
    trees = None
    if law.n_roots:
        trees = HierarchyConfig(
            total_root_nodes=law.n_roots, branching_factor=law.branching, max_depth=law.depth,
            mutually_exclusive_portion=1., compensate_probabilities=True,
            scale_children_by_parent=law.scaled)
    return SyntheticModelConfig(
        num_features=g, hidden_dim=d_in, hierarchy=trees, bias=law.bias_norm, seed=seed,
        firing_probability=ZipfianFiringProbabilityConfig(
            exponent=law.exponent, max_prob=law.high, min_prob=law.low),
        orthogonalization=OrthogonalizationConfig(num_steps=law.n_steps, lr=law.lr),
        correlation=LowRankCorrelationConfig(rank=law.rank, correlation_scale=law.strength),
        mean_firing_magnitudes=LinearMagnitudeConfig(*law.mean),
        std_firing_magnitudes=FoldedNormalMagnitudeConfig(*law.spread))


def same_world(world: LanguageWorld) -> SyntheticModel:
    "Ours, drawn by sae-lens: its probabilities, trees and sampling with our directions, weights and magnitudes."
    theirs = SyntheticModel(config(world.law, 0))
    theirs.feature_dict.feature_vectors.data = world.features.clone()
    theirs.feature_dict.bias.data = world.bias.clone()
    own = 1 - world.weights.square().sum(1)
    theirs.activation_generator = ActivationGenerator(
        num_features=G, firing_probabilities=theirs.activation_generator.firing_probabilities,
        std_firing_magnitudes=world.std, mean_firing_magnitudes=world.mean,
        modify_activations=theirs.hierarchy.modifier if theirs.hierarchy else None,
        correlation_matrix=LowRankCorrelationMatrix(world.weights, own))
    return theirs


def measured(x, m) -> dict[str, np.ndarray]:
    "What a chunk of rows says; each value is a mean over its rows."
    on = (m > 0).float()
    i, j = np.triu_indices(TOP, 1)
    a, b = np.triu_indices(D_IN)
    centred = x - x.mean(0)
    values = {
        'L0': on.sum(1).mean()[None],
        'firing of a feature': on.mean(0),
        'two features firing together': (on[:, :TOP].T @ on[:, :TOP])[i, j]/len(on),
        'magnitude of a feature': m.mean(0),
        'mean of the inputs': x.mean(0),
        'covariance of the inputs': (centred.T @ centred)[a, b]/(len(x) - 1)}
    return {name: value.double().numpy() for name, value in values.items()}


def chunks_of(draw, n_chunks: int) -> dict[str, np.ndarray]: # [chunks, values] each
    "The measures of many chunks."
    parts = [measured(*draw()) for _ in range(n_chunks)]
    return {name: np.stack([part[name] for part in parts]) for name in parts[0]}


def in_errors(a, b) -> np.ndarray: # [values]
    "Differences of means over chunks in standard errors; values that never vary are left out."
    error = np.sqrt((a.var(0, ddof=1) + b.var(0, ddof=1))/len(a))
    return ((a.mean(0) - b.mean(0))/np.where(error > 0, error, 1))[error > 0]


def row(kind: str, measure: str, *, ours, theirs, again) -> dict:
    "A line of the table; `again` is ours with other random numbers, to show what chance does."
    z, z_again = in_errors(ours, theirs), in_errors(ours, again)
    rms = lambda v: np.sqrt((v**2).mean())
    return dict(kind=kind, measure=measure, n=len(z), ours=ours.mean(), theirs=theirs.mean(), mean_z=z.mean(),
                rms_z=rms(z), largest_z=abs(z).max(), rms_z_again=rms(z_again), largest_z_again=abs(z_again).max())


def ms(draw, n: int = 100) -> float:
    "Milliseconds of a call, the fastest of many, which other work on the machine disturbs least."
    times = []
    for _ in range(n):
        start = time.perf_counter()
        draw()
        times.append(time.perf_counter() - start)
    return 1e3*min(times)


def compare(kind: str, n_chunks: int) -> list[dict]:
    "The same world drawn by both."
    world = LanguageWorld(G, D_IN, LAWS[kind], seed=0)
    theirs = same_world(world)
    gens = [torch.Generator().manual_seed(seed) for seed in (1, 2)]
    torch.manual_seed(3) # sae-lens draws from torch's own generator
    found = [chunks_of(lambda: world.sample_with_features(ROWS, gen), n_chunks) for gen in gens]
    drawn = chunks_of(lambda: theirs.sample_with_features(ROWS), n_chunks)
    rows = [row(kind, name, ours=found[0][name], theirs=drawn[name], again=found[1][name]) for name in drawn]
    times = dict(ours=ms(lambda: world.sample(256, gens[0])), theirs=ms(lambda: theirs.sample(256)))
    apart = (theirs.activation_generator.correlation_thresholds - world._cut).abs().max().item()
    return [*rows, dict(kind=kind, measure='threshold of a feature', n=G, largest_difference=apart),
            dict(kind=kind, measure='ms for 256 rows', n=1) | times]


def built(kind: str, n_worlds: int = 4) -> list[dict]:
    "Worlds that each builds from its own random numbers."
    def values(features, m): # cosines with one another, and the L0
        cos = (features @ features.T).fill_diagonal_(0)
        pairs = G*(G - 1)
        rms = (cos.square().sum().item()/pairs)**.5
        return [cos.abs().sum().item()/pairs, rms, (m > 0).sum(1).double().mean().item()]
    names = ['mean |cosine| of directions, built apart', 'rms cosine of directions, built apart', 'L0, built apart']
    both = dict(ours=[], theirs=[])
    for seed in range(1, n_worlds + 1):
        world, theirs = LanguageWorld(G, D_IN, LAWS[kind], seed=seed), SyntheticModel(config(LAWS[kind], seed))
        m = world.magnitudes(40_000, torch.Generator().manual_seed(seed))
        both['ours'].append(values(world.features, m))
        m = theirs.activation_generator.sample(40_000)
        both['theirs'].append(values(theirs.feature_dict.feature_vectors.detach(), m))
    ours, theirs = np.array(both['ours']), np.array(both['theirs']) # [worlds, measures]
    z = in_errors(ours, theirs)
    return [dict(kind=kind, measure=name, n=n_worlds, ours=ours[:, i].mean(), theirs=theirs[:, i].mean(), mean_z=z[i])
            for i, name in enumerate(names)]


def main(out: str, n_chunks: str = '40'):
    "All of it."
    torch.set_num_threads(1)
    rows = []
    for kind in LAWS:
        rows += compare(kind, int(n_chunks)) + built(kind)
        print(pd.DataFrame(rows).round(4).to_string(), flush=True)
    version = importlib.metadata.version('sae-lens')
    pd.DataFrame(rows).assign(rows=ROWS*int(n_chunks), version=version).round(6).to_csv(out, index=False)


if __name__ == '__main__': main(*sys.argv[1:])
