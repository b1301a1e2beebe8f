"""Tables of `released.ipynb`, from the directory of the sae-lens that is installed.

    python released.py FOLDER

Writes FOLDER/released_l0s.csv (how many entries of a release declare an L0, one row for each L0) and
FOLDER/released_slips.csv.
"""
import importlib.metadata
import sys
from pathlib import Path

from sae_l0_nb.survey import declared_l0s, slips


def counts(table):
    "One row for each release and L0, split by whether the entry is on Neuronpedia."
    table = table.assign(on_neuronpedia=table.neuronpedia.notna())
    keys = ['model', 'release', 'loader', 'l0', 'on_neuronpedia']
    return table.groupby(keys, dropna=False).size().rename('entries').reset_index()


def main(folder):
    table, folder = declared_l0s(), Path(folder)
    version = importlib.metadata.version('sae-lens')
    counts(table).assign(sae_lens=version).to_csv(folder/'released_l0s.csv', index=False)
    slips(table).assign(sae_lens=version).to_csv(folder/'released_slips.csv', index=False)


if __name__ == '__main__':
    if len(sys.argv) != 2: sys.exit(__doc__)
    main(sys.argv[1])
