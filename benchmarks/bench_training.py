"""The networks' training against the plain loop: the same losses first, then the times.

Each loop runs in a process of its own, with a given number of threads, and the two take turns, so that other load slows
both. A fifth of the clips are evaluated after each epoch, and the others train.
"""

import math
import time
from collections.abc import Sequence
from itertools import pairwise
from statistics import median
from typing import Any

from fresh_process import run_function
from project import ROOT

from genres.core.processor import settle_arithmetic

N_CLIPS, N_CLASSES = 999, 10  # as in GTZAN, less its unreadable clip
REPEATS = 3
EPOCHS, COMPARED_EPOCHS, WHOLE_RUN = 10, 5, 150
WITHIN = 1e-3


def bench_network(network: str, cores: int, growth: Sequence[int]) -> dict[str, Any]:
    """Time a network on all cores, the plain loop with one thread too, and print a line.

    Returned are ``plain``, the seconds of a run of 150 epochs with the better number of threads, and ``ours``, both
    medians of several processes; their ``ratio``; and ``growth``, for each number of clips the seconds of an epoch of
    ours.
    """
    choices = [("plain", 1), ("plain", cores), ("ours", cores)]
    turns = [{key: run_function(time_epochs, network, *key, N_CLIPS)[0] for key in choices} for _ in range(REPEATS)]
    expected = turns[0]["plain", 1]["losses"]
    for (loop, threads), run in turns[0].items():
        if not all(math.isclose(*losses, rel_tol=WITHIN) for losses in zip(expected, run["losses"], strict=True)):
            raise SystemExit(f"{network}, {loop}, {threads} threads: the losses are {run['losses']}, not {expected}")
    medians = {key: median(turn[key]["whole_run"] for turn in turns) for key in choices}
    plain, ours = min(choices[:2], key=medians.__getitem__), choices[2]
    ratio = medians[plain] / medians[ours]
    print(
        f"{network}, {WHOLE_RUN} epochs: plain {medians[plain]:.1f} s ({plain[1]} threads), "
        f"ours {medians[ours]:.1f} s, ratio {ratio:.1f}",
        flush=True,
    )
    seconds = {n: run_function(time_epochs, network, *ours, n)[0]["epoch"] for n in growth}
    print(f"{network}, an epoch of ours:", ", ".join(f"{n} clips {1000 * s:.1f} ms" for n, s in seconds.items()))
    return {"plain": medians[plain], "ours": medians[ours], "ratio": ratio, "growth": seconds}


def time_epochs(network: str, loop: str, threads: int, n_clips: int) -> dict[str, Any]:
    """Train on random inputs, and return the ``losses`` of the first epochs (train, test, train, ...) and two times.

    They are ``epoch``, the median seconds of a later epoch; and ``whole_run``, the seconds of 150, with the first as it
    was: it loads parts of torch, and for ours prepares the clips and loads or compiles the loops.
    """
    if loop == "ours":
        settle_arithmetic()
    # Imported here, because librosa's process imports this file too, and torch would change how it reuses memory.
    import torch
    from plain_loop import train_plainly

    from genres.models.networks.architectures import build_network
    from genres.models.networks.training import LabelledClips, seed_torch, train
    from genres.schema import read_params

    if loop == "plain":
        torch.set_num_threads(threads)
    params = read_params(ROOT / "params.yaml", "input", "train", "simple", "complex")
    train_loop, seed = (train, seed_torch) if loop == "ours" else (train_plainly, torch.manual_seed)
    seed(0)
    inputs = torch.randn(n_clips, params.input.height, params.input.width)
    labels = torch.arange(n_clips) % N_CLASSES
    n_test = round(n_clips / 5)
    train_clips = LabelledClips(inputs[n_test:], labels[n_test:])
    test_clips = LabelledClips(inputs[:n_test], labels[:n_test])
    model = build_network(getattr(params, network, None), params.input, N_CLASSES)
    losses, ends = [], [time.perf_counter()]
    train_params = params.train.model_copy(update={"epochs": EPOCHS})
    for epoch in train_loop(model, train_clips, test_clips, train_params, 0):
        ends.append(time.perf_counter())
        losses += [epoch.train.loss, epoch.test.loss]
    first, *others = (end - start for start, end in pairwise(ends))
    whole_run = first + (WHOLE_RUN - 1) * median(others)
    return {"losses": losses[: 2 * COMPARED_EPOCHS], "epoch": median(others), "whole_run": whole_run}
