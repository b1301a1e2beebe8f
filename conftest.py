"One thread for every test: the same seed gives the same bits at the same number of threads, and threads that wait for each other take minutes."
import os

import torch

os.environ["OMP_NUM_THREADS"] = "1"  # of processes that tests start
torch.set_num_threads(1)
