#!/usr/bin/env bash
# The way of tutorials/from_cache.ipynb: what each command says goes to results/whole_way/, which that page shows.
#
#     bash whole_way.sh MODEL CACHE WORK
#
# MODEL: a folder of a transformers model. CACHE: what sae_lens_cache.py made of its layer 3. WORK: a new folder, or one
# of a run that was stopped: what is done is not done again.
set -euo pipefail
model=$(realpath "$1") cache=$(realpath "$2") said=$(realpath results/whole_way)
mkdir -p "$3" && cd "$3"
short="--width 768 --batch-size 256 --seeds 2"
say() { # name, command
    if [ -e ".done_$1" ]; then return; fi
    echo "$1" && "${@:2}" > "$said/$1.txt" 2>&1 && touch ".done_$1"
}

say 1_calibrate sae-l0 calibrate "$cache" $short --samples 256000 --save-saes --out l0
say 2_longer sae-l0 calibrate "$cache" $short --samples 768000 --save-saes --out l0_longer
say 3_sweep sae-l0 sweep "$cache" $short --samples 768000 --l0s 4,8,16,32,64,128 --out grid
tasks=$(python -c "from sae_l0_nb.tasks import probe_task_names as f; print(','.join(sorted(f())[::6]))")
say 4_probe sae-l0 probe grid --model "$model" --layer 3 --texts 600 --latents 1,16 --tasks "$tasks" --out probes \
    --cache cache
say 5_latents sae-l0 latents grid/saes/k64_seed0 "$cache" --tokenizer "$model" --pairs 1 --rows 16384 --out latents
say 6_audit sae-l0 audit grid/saes/k64_seed0 --activations "$cache" --card card
keep() { # folder, name: its figure and what the witnesses said of its first two grids
    cp "$1/figure.png" "$said/$2.png"
    for i in 0 1; do cp "$1/witnesses_$i.csv" "$said/$2_witnesses_$i.csv"; done
}
keep l0 1_calibrate
keep l0_longer 2_longer
