"""Situations in which people got wrong answers or tracebacks from libraries like this one, made small.

    python cases.py [SITUATIONS AT MOST [TABLE.csv]]

Each function gives pairs: what is asked for, and what is done. Asked for is 'read' (and right: the work checks it),
'either' (read right, or refused with words), or a word that the refusal must hold. Most are from public bug reports of
SAELens, transformers, datasets, pandas, numpy and torch.
"""
import inspect
import json
import re
import tempfile
import warnings
from contextlib import redirect_stderr
from io import StringIO
from pathlib import Path
from unittest import mock

import numpy as np
import pandas as pd
import torch
import transformers
from datasets import Dataset
from safetensors.torch import save_file

from sae_l0_nb import ActivationStore, as_source, harvest, load_sae, open_source, save_sae, train_bank
from sae_l0_nb.activations import doc_activations
from sae_l0_nb.cli import main as sae_l0
from sae_l0_nb.models import resolve_layer, tiny_model, tiny_texts, tiny_tokenizer
from sae_l0_nb.probe_sweep import probe_sweep
from sae_l0_nb.probing import last_token_activations, probe_activations, probe_dense
from sae_l0_nb.reading import read_texts
from sae_l0_nb.sae import init_bank
from sae_l0_nb.texts import tokenize
from tally import command, outcome, tally

TMP, TEXTS, D, S = tempfile.TemporaryDirectory(), tiny_texts(300), 8, 24
X, W, B, W_DEC = (torch.randn(*o, generator=torch.Generator().manual_seed(0))
                  for o in ((4000, D), (D, S), (S,), (S, D)))
PRE = X @ W + B
BASE = dict(architecture='standard', d_in=D, d_sae=S, dtype='float32')
SHORT = dict(max_length=32, progress=False)

def new(): return Path(tempfile.mkdtemp(dir=TMP.name))
def same(a, b, atol=1e-4):
    assert a.shape == b.shape, f'{tuple(a.shape)} beside {tuple(b.shape)}'
    assert torch.allclose(a, b, atol=atol), f'off by {(a - b).abs().max():.1e}'
def wide(): return init_bank(32, 64, [4.], [0])
def trained(x, **more): return train_bank(x, S, [2.], n_samples=2000, batch_size=100, progress=False, **more)[0].W_dec
def probed(task, sae, **more): return probe_sweep(sae, task, tiny_model('gpt2'), 1, n_latents=4, **SHORT, **more)
def stored(model, texts, layer=1, **more): return harvest(model, texts, layer, new()/'s', **SHORT | more)

def folder_of(cfg, **tensors):
    folder = new()
    (folder/'cfg.json').write_text(json.dumps(cfg))
    rows = torch.nn.functional.normalize(W_DEC, dim=1)
    save_file(dict(W_enc=W, W_dec=rows, b_enc=B, b_dec=torch.zeros(D)) | tensors, folder/'sae_weights.safetensors')
    return folder

def hidden(model, tok):
    ids = torch.tensor([tok(TEXTS[0]).input_ids])
    with torch.no_grad(): return [h[0] for h in model(ids, output_hidden_states=True).hidden_states]

def rows_of(model, tok, layer):
    docs = tokenize(tok, TEXTS[:1])
    docs[0].keep[:] = True
    return doc_activations(model, docs, resolve_layer(model, layer))

def topk_named_in_the_activation_function():
    right = PRE.relu()*(PRE >= PRE.topk(4, dim=1).values[:, -1:])
    for key in ('activation_fn_str', 'activation_fn'):
        cfg = BASE | {key: 'topk', 'activation_fn_kwargs': dict(k=4)}
        yield 'read', lambda: same(load_sae(folder_of(cfg)).encode(X), right)
    yield 'activation_fn', lambda: load_sae(folder_of(BASE | dict(activation_fn_str='tanh-relu')))

def configs_of_another_time():
    old = {name: value for name, value in BASE.items() if name != 'architecture'}
    for cfg in (old, BASE | dict(normalize_activations=False), BASE | dict(normalize_activations=None)):
        yield 'read', lambda: same(load_sae(folder_of(cfg)).encode(X), PRE.relu())
    for cfg in ([BASE], BASE | dict(architecture='topk', k='4'), BASE | dict(d_in='8'), BASE | dict(unheard_of=3)):
        yield 'cfg.json', lambda: load_sae(folder_of(cfg))

def dead_latents_with_decoder_rows_of_zeros():
    rows = W_DEC/W_DEC.norm(dim=1, keepdim=True)*(torch.arange(S) % 7 > 0)[:, None]
    def output(sae): return sae.decode(sae.encode(X))
    folder = folder_of(BASE | dict(architecture='jumprelu'), W_dec=rows, threshold=torch.full((S,), .5))
    yield 'read', lambda: same(output(load_sae(folder)), (PRE*(PRE > .5)) @ rows)

def a_folder_of_pickles():
    folder = new()
    torch.save(dict(a=W), folder/'ae.pt')
    (folder/'config.json').write_text('{"trainer": {"dict_class": "BatchTopKSAE"}}')
    with mock.patch('pickle.Unpickler', side_effect=KeyError('unpickled')): yield 'ae.pt', lambda: load_sae(folder)

def saes_of_another_place():
    for asked, key, value in (('read', 'hook_name', 'blocks.1.hook_resid_post'), ('allowed', 'module', 'h.2'),
                              ('allowed', 'hook_name', 'blocks.1.hook_resid_pre'),
                              ('allowed', 'hook_point', 'blocks.1.hook_mlp_out')):
        folder = new()/'sae'
        save_sae(wide(), folder, {key: value})
        yield asked, lambda: probed({'t': (TEXTS, [i % 2 for i in range(300)])}, folder)

def tensors_as_people_have_them():
    for x in (torch.nn.Linear(D, D)(X), X.double(), X.bfloat16(), X.T.contiguous().T):
        yield 'read', lambda: same(trained(x), trained(x.detach().float().contiguous()), 0)
    yield 'read', lambda: trained(list((X + torch.zeros(1, requires_grad=True)).split(100))*3, n_heldout=200)
    for x in (X.to_sparse(), X.cfloat(), X.to('meta'), X[0], X*float('nan')): yield 'source|x ', lambda: trained(x)
    yield 'token ids', lambda: trained((X*9).int())

def another_default_dtype():
    right = trained(X)
    for dtype in (torch.float64, torch.bfloat16):
        torch.set_default_dtype(dtype)
        try: yield 'read', lambda: same(trained(X), right, 0)
        finally: torch.set_default_dtype(torch.float32)

def a_constant_on_every_row():
    right = trained(X, centre=True)
    for constant in (1, 10): yield 'read', lambda: same(trained(X + constant, centre=True), right, .02)
    yield 'read', lambda: same(trained(X + 10), right, .02) # far from zero the mean is taken off by default

def data_that_are_not_what_they_were():
    folder, held = new(), as_source(X).heldout(400)
    is_held = (X[:, None] == held).all(-1).any(1, keepdim=True)
    other = torch.where(is_held, X, -X.flip(0)) # the same held-out rows
    trained(X, checkpoint=folder/'run')
    yield 'either', lambda: same(trained(other, checkpoint=folder/'run'), trained(other), 0)
    class Shuffling:
        def __iter__(self): return iter(X[torch.randperm(len(X))].split(100))
    yield 'source', lambda: trained(Shuffling(), n_heldout=200)
    store = stored(tiny_model('gpt2'), TEXTS)
    file = Path(store.folder)/'manifest.json'
    manifest = json.loads(file.read_text())
    manifest['shards'][0]['n_train'] += 1000
    file.write_text(json.dumps(manifest))
    yield 'manifest|shard', lambda: next(ActivationStore(store.folder, verify=False).batches(2000))

def devices_that_are_not_there():
    for device in ('gpu', 'meta', 'cuda:99', 3): yield 'device', lambda: trained(X, device=device)
    yield 'either', lambda: trained(X, device='mps')

def an_array_larger_than_memory():
    file, status = new()/'a.npy', Path('/proc/self/status')
    np.save(file, np.zeros((200_000, 128), 'float32'))
    def own(): return int(re.search(r'RssAnon:\s+(\d+)', status.read_text())[1])*1024
    def mapped():
        before, source = own(), open_source(file)
        assert own() - before < .5*file.stat().st_size, f'{type(source).__name__} reads it whole'
    if status.exists(): yield 'read', mapped

def output_that_cannot_be_written():
    out = new()/'file'
    out.touch()
    def run():
        untrained = mock.patch('sae_l0_nb.train.lr_at', side_effect=KeyError('trained before it was tried'))
        with untrained, redirect_stderr(StringIO()) as said:
            code = sae_l0(['calibrate', 'toy:small', '--out', f'{out}/x'])
        raise ValueError(said.getvalue()) if code == 2 else KeyError(f'exit {code}')
    yield 'file', run

def text_files_from_anywhere():
    folder, lines = new(), [json.dumps(dict(text=t)) for t in TEXTS]
    def is_read(name): assert list(read_texts(folder/name)) == TEXTS, 'other texts'
    files = {'bom.txt': '\ufeff' + '\n'.join(TEXTS), 'bom.jsonl': '\ufeff' + '\n'.join(lines),
             'blank.jsonl': '\n'.join([*lines, '', '']), 'dos.jsonl': '\r\n'.join(lines)}
    for name, content in files.items():
        (folder/name).write_bytes(content.encode())
        yield 'read', lambda: is_read(name)
    (folder/'latin-1.txt').write_bytes('\n'.join([*TEXTS, 'caf\xe9']).encode('latin-1'))
    yield 'latin-1.txt', lambda: list(read_texts(folder/'latin-1.txt'))
    (folder/'null.jsonl').write_text('\n'.join([*lines, '{"text": null}']))
    yield 'either', lambda: stored(tiny_model('gpt2'), folder/'null.jsonl')

def texts_in_other_containers():
    df, ds, model = pd.DataFrame(dict(text=TEXTS)), Dataset.from_dict(dict(text=TEXTS)), tiny_model('gpt2')
    right = stored(model, TEXTS).heldout(9)
    for asked, texts in (('read', df.text), ('read', ds['text']), ('read', ds.with_format('torch')), ('either', df)):
        yield asked, lambda: same(stored(model, texts).heldout(9), right, 0)
    yield 'DataFrame|column', lambda: stored(model, df.rename(columns=dict(text='cat')).assign(dog=TEXTS))

def labels_in_tables():
    y, bank = np.random.default_rng(0).integers(0, 2, 300), init_bank(D, S, [4.], [0])
    x = X[:300] + torch.tensor(y)[:, None]
    right = probe_activations(bank, x, y, n_latents=4).auc[0]
    def run(x, labels): assert probe_activations(bank, x, labels, n_latents=4).auc[0] == right, 'another AUC'
    for labels in (y[:, None], pd.DataFrame(dict(l=y)), torch.tensor(y)[:, None], y.astype(bool)):
        yield 'either', lambda: run(x, labels)
    yield 'either', lambda: run(pd.DataFrame(x.numpy()), y)
    yield 'label', lambda: run(x, [None, *map(str, y[1:])])
    for words in (['NA', 'EU'], ['None', 'Some']):
        pd.DataFrame(dict(text=['null', *TEXTS[1:]], label=words*150)).to_csv(file := new()/'task.csv', index=False)
        yield 'read', lambda: probed([file], wide())

def labels_in_order():
    def run(n):
        with warnings.catch_warnings(record=True) as seen:
            warnings.simplefilter('always')
            probed({'t': (tiny_texts(400), [0]*200 + [1]*200)}, wide(), n_texts=n)
        assert n == 400 or seen, f'{n - 200} of {n} in a class, without a word'
    yield from (('read', lambda: run(400)), ('n_texts', lambda: run(200)), ('either', lambda: run(205)))

def random_labels_of_repeated_texts():
    def run(copies):
        rng = np.random.default_rng(1)
        mix, y = rng.permutation(800), np.repeat(rng.permutation(np.arange(800//copies) % 2), copies)
        row = probe_dense(np.repeat(rng.standard_normal((800//copies, 64)), copies, axis=0)[mix], y[mix])
        assert row['auc_low'] < .5 < row['auc_high'], f"AUC {row['auc']:.2f}"
    for copies in (1, 2, 4): yield 'read', lambda: run(copies)

def tiny(kind, tok, **more):
    size = dict(hidden_size=32, num_hidden_layers=4, num_attention_heads=4, intermediate_size=64, vocab_size=len(tok))
    torch.manual_seed(0)
    return transformers.AutoModel.from_config(getattr(transformers, kind)(**size | more)).eval()

def positions_that_a_model_has():
    tok, long = tiny_tokenizer('bert'), [' '.join(t.split()*12) for t in tiny_texts(60)]
    model = tiny('RobertaConfig', tok, max_position_embeddings=66, pad_token_id=1) # 64 are usable
    yield 'read', lambda: stored((model, tok), long, max_length=64)
    for n in (65, 66, 100): yield 'max_length', lambda: stored((model, tok), long, max_length=n)
    endless = tiny('XLNetConfig', tok, d_model=32, n_layer=3, n_head=4, d_inner=64)
    yield 'read', lambda: stored((endless, tok), long, 'layer.1')

def blocks_as_transformers_runs_them():
    tok = tiny_tokenizer('bert')
    albert = tiny('AlbertConfig', tok, embedding_size=16)
    yield 'either', lambda: same(rows_of(albert, tok, 'encoder.albert_layer_groups.0'), hidden(albert, tok)[4])
    for model, tok in map(tiny_model, ('gpt2', 'bert')):
        yield 'read', lambda: same(rows_of(model, tok, 1), hidden(model, tok)[2])
        def rows(texts): return doc_activations(model, tokenize(tok, texts), resolve_layer(model, 1))
        one, tok.padding_side = torch.cat([rows([t]) for t in TEXTS[:20]]), 'left'
        yield 'read', lambda: same(rows(TEXTS[:20]), one)

def models_that_are_odd():
    model, tok = tiny_model('gpt2')
    other = torch.nn.Sequential(model) # no model of transformers
    for m in (other, (other, tok), None, 5): yield 'model', lambda: stored(m, TEXTS)
    with torch.no_grad(): model.h[1].mlp.c_proj.bias[7] = 1e5
    yield 'float16', lambda: stored((model, tok), TEXTS, norm_limit=None)

def texts_of_one_token_at_a_sink():
    model, tok = tiny_model('gpt2')
    with torch.no_grad(): model.wpe.weight[0] += 6000
    texts = ['cat' if i % 20 == 0 else t for i, t in enumerate(tiny_texts(600))]
    x = last_token_activations((model, tok), texts, 1, max_length=32)
    def run():
        row = probe_activations(wide(), x, np.arange(600) // 7 % 2, n_latents=1).iloc[0]
        assert row.get('n_outliers') == 30, f"{row.get('n_outliers')} of 30 left out"
    yield 'read', run

def words_of(asked, work):
    "'' if what came is what was asked for."
    with warnings.catch_warnings():
        warnings.simplefilter('ignore')
        words = outcome(work)
    if words.startswith('refused: '): right = asked == 'either' or asked != 'read' and re.search(asked, words)
    else: right = not words and asked in ('read', 'either')
    return '' if right else f'asked for {asked!r}, came {words or "read"!r}'

def all_situations():
    "The functions of this file that give pairs."
    return [f for f in globals().values() if inspect.isgeneratorfunction(f) and f.__module__ == __name__]

def main(n):
    return tally((f.__name__.replace('_', ' '), [words_of(*pair) for pair in f()]) for f in all_situations()[:n])


if __name__ == '__main__': command(main, 99)
