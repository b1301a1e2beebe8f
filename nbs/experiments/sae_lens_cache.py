"""Cache activations as sae-lens does it, for the page tutorials/from_cache.ipynb.

    python sae_lens_cache.py MODEL TEXTS.jsonl HOOK FOLDER [N_CONTEXTS]

Runs where sae-lens is installed (6.54 was used), and needs nothing of this package. MODEL: a folder or a name on the
hub, loaded with transformers. TEXTS: one object with the key text in each line. HOOK: the name of a module, whose
output is cached. FOLDER: new. Contexts are of 128 tokens.
"""
import json
import sys
from pathlib import Path

from datasets import Dataset
from sae_lens import CacheActivationsRunner, CacheActivationsRunnerConfig
from transformers import AutoConfig

CONTEXT = 128


def main(model, texts, hook, folder, n_contexts=4_000):
    rows = [json.loads(line)['text'] for line in Path(texts).read_text().splitlines()]
    cfg = CacheActivationsRunnerConfig(
        dataset_path=texts, model_name=model, model_class_name='AutoModelForCausalLM', hook_name=hook,
        d_in=AutoConfig.from_pretrained(model).hidden_size, context_size=CONTEXT,
        training_tokens=int(n_contexts)*CONTEXT, model_batch_size=16, buffer_size_gb=.05, prepend_bos=False,
        dtype='float32', device='cpu', new_cached_activations_path=folder)
    CacheActivationsRunner(cfg, override_dataset=Dataset.from_dict(dict(text=rows))).run()


if __name__ == '__main__': main(*sys.argv[1:])
