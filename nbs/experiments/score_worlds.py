"""Score `calibrate_l0` on worlds with known features, by what SAEs recover at the L0 it gives.

    python score_worlds.py OUT.csv FIRST LAST [KIND]
    python score_worlds.py OUT.csv FIRST LAST KIND others
    python score_worlds.py OUT.csv FIRST LAST KIND recovered
    python score_worlds.py OUT.csv FIRST LAST KIND alone
    python score_worlds.py OUT.csv merge PART.csv ...
    python score_worlds.py OUT.csv reread SCORED.csv KIND ...

FIRST to LAST: seeds of the worlds, the last one left out. KIND:

    language     worlds of `random_language_world` (the default)
    sae-lens     the same laws, drawn by sae-lens's own generator; runs where sae-lens is installed
    big          4,096 features in 256 dimensions, 1,024 latents
    wide         worlds of laws from a wider range (`wide_world`), whose best L0s differ more
    laws         worlds of many laws (`law_world`)
    orthogonal, superposed   worlds of `random_world`, as many latents as features
    normal, student, shuffled   controls made from language worlds, of which nothing should be said: normal data, heavy
                 tails of the same covariance, each coordinate permuted on its own

One row a world; those that OUT has already are not done again. `others` asks other ways of choosing an L0 instead, and
writes OUT_others.csv: the rule of c_dec alone and the paper's controller (version 4). `recovered` measures what SAEs recover in
worlds with as many latents as features, whose score is held against their true L0, and writes OUT_recovered.csv.
`alone` asks the rule of c_dec alone for its number and interval, and writes OUT_alone.csv.
Processes that run at once write a PART each; `merge` puts them together and adds what the other ways lose. A killed
process goes on where it was: what it needs for that lies in a folder beside OUT until its row is written.

`reread` asks today's rule of what the witnesses said in worlds that were scored before, by their looks, without any
training. Where it would look once more it has no number.

What is recovered at an L0 is read off a bank of its own, which goes to OUT_curves.csv: nine L0s from a third to three
times the L0 of the width's features, three seeds that the calibration does not use. What the witnesses said goes to
OUT_looks.csv.

Which seeds are of development, and which of the score, says the page witnesses.ipynb.
"""
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import torch

from sae_l0_nb.calibrate import calibrate_l0
from sae_l0_nb.descend import SlopeController
from sae_l0_nb.language_worlds import LanguageLaw, LanguageWorld, random_language_world, synthetic
from sae_l0_nb.learned import learned_score
from sae_l0_nb.peak_search import Search, peak_verdict
from sae_l0_nb.peaks import find_peak, scored
from sae_l0_nb.recovery import best_l0, lost_at, recovery
from sae_l0_nb.sources import GaussianSource
from sae_l0_nb.stages import default_settings
from sae_l0_nb.toy import stream
from sae_l0_nb.train import train_bank
from other_laws import law_world
from validate_worlds import world_of
from witness_worlds import MOST, wide_world, written

COMMIT = subprocess.run(['git', 'rev-parse', '--short', 'HEAD'], cwd=Path(__file__).parent, capture_output=True,
                        text=True, check=True).stdout.strip() # of the rule
N_ROWS, REFERENCE = 300_000, (7, 8, 9) # rows of a control; seeds
DEFAULT = 100. # k of sae-lens's TopK and BatchTopK, version 6; dictionary_learning has none
ASKED = ['l0_rule', 'l0_controller_c_dec'] # of `others`
LOOKED = ['look', 'k', 'fvu', 'ratio', 'fire', 'fire_each', 'enc_dec', 'agree', 'fourth', 'frac_dead', 'density',
          'useful', 'firing', 'directions'] # of what the witnesses said
CONTROLS, TOYS = ('normal', 'student', 'shuffled'), ('orthogonal', 'superposed')


# ---- worlds --------------------------------------------------------------------------------------------------------

def drawn_by_sae_lens(seed):
    "A random law, its world built and drawn by sae-lens."
    from language_worlds_peer import config
    from sae_lens.synthetic import SyntheticModel
    ours, width, about = random_language_world(seed, most=MOST)
    world = synthetic(SyntheticModel(config(ours.law, seed, g=ours.n_features, d_in=ours.d_in)), seed=seed)
    l0s = dict(true_l0=world.true_l0_at(world.n_features), true_l0_at_width=world.true_l0_at(width))
    return world, width, about | l0s


def big(seed):
    "More features in more dimensions."
    world = LanguageWorld(4096, 256, LanguageLaw(high=.3, n_roots=64 if seed % 2 else 0), seed=seed)
    about = dict(g=4096, d_in=256, kind='tree' if seed % 2 else 'flat', exponent=world.law.exponent)
    return world, 1024, about | dict(true_l0=world.true_l0_at(4096), true_l0_at_width=world.true_l0_at(1024))


def toy(kind, seed):
    "As many latents as features, as in the first scores."
    world, about = world_of(kind, seed)
    return world, world.n_features, about | dict(kind=kind, true_l0=world.true_l0)


def drawn(kind, seed):
    "A source, the world behind it, a width, and what it is."
    if kind in TOYS: return toy(kind, seed)
    draw = {'sae-lens': drawn_by_sae_lens, 'big': big, 'wide': wide_world, 'laws': law_world}.get(kind)
    return draw(seed) if draw else random_language_world(seed, most=MOST)


def without_features(kind, world):
    "Data with the same mean and covariance, or the same coordinates, and no features."
    gen = stream(20, world.seed)
    if kind == 'normal': return GaussianSource(world).heldout(N_ROWS, seed=21) # other rows than the control's
    if kind == 'shuffled':
        x = world.sample(N_ROWS, gen)
        return torch.stack([x[torch.randperm(len(x), generator=gen), i] for i in range(x.shape[1])], 1)
    x = GaussianSource(world).heldout(N_ROWS, seed=21)
    chi2 = torch.randn(len(x), 4, generator=gen).square().sum(1, keepdim=True)
    return x.mean(0) + (x - x.mean(0))*(2/chi2).sqrt() # Student's t with 4 degrees of freedom has twice the variance


# ---- what SAEs recover ---------------------------------------------------------------------------------------------

def reference(world, width, l0, left):
    "What SAEs recover at L0s around the one of the width's features."
    l0s = np.geomspace(max(.7, l0/3), min(3*l0, .9*width), 9)
    settings = default_settings(width, world.d_in)
    bank, _ = train_bank(world, width, l0s, seeds=REFERENCE, n_logs=1, n_heldout=16_384, progress=False,
                         checkpoint=left/'reference', **settings)
    table = pd.DataFrame(recovery(bank, world)).assign(k=bank.k.numpy())
    return table.groupby('k').mean().reset_index()


def loss_of(curve, name, l0):
    "Recovery lost at an L0; one outside the curve is put at its end."
    if not np.isfinite(l0): return np.nan
    return lost_at(curve.k.to_numpy(), curve[name].to_numpy(), float(np.clip(l0, curve.k.min(), curve.k.max())))


def best_of(curve, name):
    "The L0 of best recovery: the top of a parabola, as where the correction is learned."
    return best_l0(curve.k.to_numpy(), curve[name].to_numpy()).l0


# ---- the score -----------------------------------------------------------------------------------------------------

def knee(l0s, y):
    "The L0 farthest below the chord, both axes from 0 to 1, the first in logarithms."
    x, v = np.log(l0s/l0s[0])/np.log(l0s[-1]/l0s[0]), (y - y.min())/np.ptp(y)
    return l0s[np.argmin(v - (v[0] + (v[-1] - v[0])*x))]


def read_off(r):
    "What else the same calibration's first grid could be taken to say."
    first = r.table[r.table['round'] == 0].groupby('k')[['c_dec', 'mse']].median()
    l0s = first.index.to_numpy()
    return dict(l0_c_dec=l0s[first.c_dec.argmin()], l0_knee=knee(l0s, first.mse.to_numpy()))


def about(kind, seed, width, facts):
    "The first columns of a row."
    facts = {f'world_{k}' if k == 'kind' else k: v for k, v in facts.items() if k != 'seed'}
    return dict(kind=kind, seed=seed, width=width) | facts


def looks_of(r):
    "What the witnesses said at each L0 of the coarse grid (look 0) and of each look."
    tables = [table.assign(look=i)[LOOKED] for i, table in enumerate(r.witnesses)]
    return pd.concat(tables or [pd.DataFrame(columns=LOOKED)])


def score(kind, seed, left):
    "A row for one world, and tables beside it. What a killed run leaves goes to a folder."
    world, width, facts = drawn(kind, seed)
    source = without_features(kind, world) if kind in CONTROLS else world
    r = calibrate_l0(source, width, progress=False, checkpoint=left/'calibration')
    low, high = r.directions_interval
    row = about(kind, seed, width, facts) | dict(
        verdict=r.verdict, l0=r.l0, low=r.interval[0], high=r.interval[1], carried=r.carried, firing=r.firing,
        directions=r.directions, directions_low=low, directions_high=high, control=r.control,
        sae_steps=r.cost['sae_steps'], seconds=round(r.cost['seconds']), commit=COMMIT, reason=r.reason)
    tables = dict(looks=looks_of(r).assign(kind=kind, seed=seed))
    if kind in CONTROLS + TOYS: return row, tables
    curve, row = reference(world, width, facts['true_l0_at_width'], left), row | read_off(r)
    for name in ('f1', 'f1_each', 'mcc'):
        row |= {f'best_{name}': best_of(curve, name), f'most_{name}': curve[name].max()}
    for name in ('f1', 'f1_each'): row[f'lost_{name}'] = loss_of(curve, name, r.l0)
    row['lost_mcc'] = loss_of(curve, 'mcc', r.directions if np.isfinite(r.l0) else np.nan)
    row['clipped'] = bool(np.isfinite(r.l0) and not curve.k.min() <= r.l0 <= curve.k.max())
    return row, tables | dict(curves=curve.assign(kind=kind, seed=seed))


def recovered(kind, seed, left):
    "What SAEs recover around the true L0 of a world with as many latents as features."
    world, width, facts = drawn(kind, seed)
    curve = reference(world, width, facts['true_l0'], left)
    row = about(kind, seed, width, facts) | {f'best_{name}': best_of(curve, name) for name in ('f1', 'f1_each', 'mcc')}
    return row | dict(commit=COMMIT), dict(curves=curve.assign(kind=kind, seed=seed))


def alone(kind, seed, left):
    "What the rule of c_dec alone says of one world."
    world, width, facts = drawn(kind, seed)
    r = calibrate_l0(world, width, control=False, progress=False)
    said = dict(verdict=r.verdict, l0=r.l0, low=r.interval[0], high=r.interval[1], commit=COMMIT)
    return about(kind, seed, width, facts) | said, {}


def controlled(world, width):
    "Where the paper's controller of c_dec ends: three SAEs, each on its own."
    schedule = SlopeController(.4*min(width, world.d_in), metric='c_dec', lr=.5, delta=(.1, 2.))
    settings = default_settings(width, world.d_in, n_samples=256*15_000, batch_size=256)
    bank, _ = train_bank(world, width, [2.], seeds=range(3), schedule=schedule, n_logs=1, progress=False,
                         **settings | dict(lr_decay=.1))
    return bank.k.median().item()


def others(kind, seed, left):
    "What other ways of choosing say of one world; rows and curves as for `score`."
    world, width, facts = drawn(kind, seed)
    r = calibrate_l0(world, width, control=False, progress=False) # c_dec alone decides
    said = dict(rule_verdict=r.verdict, l0_rule=r.l0, l0_controller_c_dec=controlled(world, width))
    return about(kind, seed, width, facts) | said | dict(commit=COMMIT), {}


# ---- files ---------------------------------------------------------------------------------------------------------

def beside(out, what): return out.with_name(f'{out.stem}_{what}.csv')


def table_at(path, **columns):
    return pd.read_csv(path, dtype={'commit': str}) if path.exists() else pd.DataFrame(columns)


def read_off_curve(row, curves):
    "Where recovery is best in one world, and what the number and other ways lose there, `lost_f1_knee` for `l0_knee`."
    curve = curves[(curves.kind == row.kind) & (curves.seed == row.seed)]
    chosen = {name: row[name] for name in row.index if name.startswith('l0_')} | dict(l0_default=DEFAULT)
    if curve.empty: return {}
    beyond = not curve.k.min() <= row.directions <= curve.k.max()
    best = {f'best_{name}': best_of(curve, name) for name in ('f1', 'f1_each', 'mcc')}
    lost = {f'lost_{measure}_{name[3:]}': loss_of(curve, measure, l0)
            for measure in ('f1', 'mcc') for name, l0 in chosen.items()}
    own = dict(lost_f1=loss_of(curve, 'f1', row.l0), lost_f1_each=loss_of(curve, 'f1_each', row.l0),
               lost_mcc=loss_of(curve, 'mcc', row.directions if np.isfinite(row.l0) else np.nan))
    return best | lost | own | dict(directions_clipped=bool(np.isfinite(row.directions) and beyond))


def merge(out, parts):
    "One table of many, and of the tables beside them."
    out, parts = Path(out), [Path(part) for part in parts]
    for part in parts:
        there = [path for path in (part, beside(part, 'curves'), beside(part, 'others')) if path.exists()]
        if not there: raise ValueError(f'part = {str(part)!r}; allowed: one that has rows, curves or others')
    table = pd.concat([table_at(part) for part in parts], ignore_index=True)
    twice = table[table.duplicated(['kind', 'seed'])]
    if len(twice): raise ValueError(f'parts = {parts}; allowed: those with each world once, not {len(twice)} twice')
    curves, looks = (pd.concat([table_at(beside(part, name)) for part in parts], ignore_index=True)
                     for name in ('curves', 'looks'))
    if len(curves) and curves.duplicated(['kind', 'seed', 'k']).any():
        raise ValueError(f'parts = {parts}; allowed: those with the curve of each world once')
    others = [table_at(path) for path in (beside(part, 'others') for part in parts) if path.exists()]
    if others:
        others = pd.concat(others)[['kind', 'seed', 'rule_verdict', *ASKED]]
        if 'rule_verdict' in table: # of a merge before
            others = pd.concat([others, table.loc[table.rule_verdict.notna(), others.columns]])
            others = others.drop_duplicates(['kind', 'seed'])
        table = table.drop(columns=others.columns[2:], errors='ignore').merge(others, on=['kind', 'seed'], how='left')
    lost = pd.DataFrame([read_off_curve(row, curves) for _, row in table.iterrows()], index=table.index)
    table = table.drop(columns=lost.columns, errors='ignore').join(lost) # of a table that was merged before
    table = table.astype({name: int for name in ('seed', 'width', 'd_in', 'sae_steps', 'seconds')})
    written(table.sort_values(['kind', 'seed']), out)
    written(curves.sort_values(['kind', 'seed', 'k']), beside(out, 'curves'))
    written(looks.sort_values(['kind', 'seed', 'look', 'k']), beside(out, 'looks'))


def said_again(row, looks):
    "What today's rule says of a world that was scored, by the looks of then."
    tables = [learned_score(scored(t.sort_values('k')[LOOKED])) for _, t in looks.groupby('look')]
    first = find_peak(tables[0].k, tables[0].firing)
    s = Search(tables=tables, firing=first, before=first, directions=first)
    if len(tables) < 2: return None # c_dec said all
    s.firing = find_peak(s.looked.k, s.looked.firing)
    v = peak_verdict(s, {})
    return dict(kind=row.kind, seed=row.seed, verdict=v.verdict, l0=v.l0, low=v.interval[0], high=v.interval[1],
                firing=s.firing.l0, ratio=s.at_best('ratio'), reason=v.reason, commit=COMMIT)


def reread(out, table, *kinds):
    "One row for each world of some kinds whose number was read off the firing score, or that got none."
    out, path = Path(out), Path(table)
    looks, curves, rows = table_at(beside(path, 'looks')), table_at(beside(path, 'curves')), []
    worlds = table_at(path)
    for row in worlds[worlds.kind.isin(kinds) & (worlds.carried == 'firing')].itertuples():
        own, curve = (t[(t.kind == row.kind) & (t.seed == row.seed)] for t in (looks, curves))
        said = said_again(row, own)
        if said is None: continue
        said |= dict(l0_before=row.l0)
        if len(curve):
            said |= dict(best_f1=best_of(curve, 'f1'), lost_f1=loss_of(curve, 'f1', said['l0']),
                         lost_f1_before=loss_of(curve, 'f1', row.l0))
        rows.append(said)
    written(pd.DataFrame(rows), out)


def main(out, first, last, kind='language', what='score'):
    torch.set_num_threads(1)
    out, run = Path(out), dict(score=score, others=others, recovered=recovered, alone=alone)[what]
    path = out if what == 'score' else beside(out, what)
    for seed in range(int(first), int(last)):
        done = table_at(path, kind=[], seed=[])
        if ((done.kind == kind) & (done.seed == seed)).any(): continue
        left = out.with_name(f'{out.stem}_{what}_{kind}_{seed}')
        row, tables = run(kind, seed, left)
        for name, table in tables.items():
            before = table_at(beside(out, name), kind=[], seed=[])
            before = before[(before.kind != kind) | (before.seed != seed)] # left by a killed run
            written(pd.concat([before, table], ignore_index=True), beside(out, name))
        written(pd.concat([done, pd.DataFrame([row])], ignore_index=True), path)
        shutil.rmtree(left, ignore_errors=True)
        said = {k: v for k, v in row.items() if k.startswith(('verdict', 'l0', 'true', 'best_f1', 'lost', 'seconds'))}
        print(kind, seed, {k: round(v, 3) if isinstance(v, float) else v for k, v in said.items()}, flush=True)


if __name__ == '__main__':
    if sys.argv[2:3] == ['merge']: merge(sys.argv[1], sys.argv[3:])
    elif sys.argv[2:3] == ['reread']: reread(sys.argv[1], *sys.argv[3:])
    else: main(*sys.argv[1:])
