"""The networks' training against the plain loop: the same losses first, then the times.

Each loop runs in a process of its own, with as many threads as asked for, and the two take turns, so that a busy
machine is busy for both. Of 1,000 clips, all but one readable, 799 train and 200 are evaluated after each epoch.
"""

import argparse
import os
import statistics
import sys
import time
from pathlib import Path

from peak import run_and_measure

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "src"))

CLIPS, GENRES = 999, 10
GROWTH = (100, 1000, 4000)
SAME_EPOCHS = 5
WITHIN = 1e-3


def bench_training(cores: int, repeats: int = 3, epochs: int = 10) -> dict[str, dict[str, object]]:
    """Time the linear model and both CNNs with one thread and with one for each core, and print a table.

    Returns:
        For each network: ``plain`` and ``fast``, the medians over ``repeats`` processes of the seconds an epoch takes
        (each with the better number of threads); ``plain_first`` and ``fast_first``, the same of the
        first epoch, which loads parts of torch, and for the fast loop prepares the clips and loads or compiles its
        loops; ``ratio``, of 150 epochs, the first included; ``memory``, the fast process's peak in MB; and
        ``growth``, the median seconds of an epoch of the fast loop in one process, for each number of clips in
        `GROWTH`.
    """
    results: dict[str, dict[str, object]] = {}
    choices = sorted({1, cores})
    print(f"medians of {repeats} processes, {epochs} epochs each")
    for network in ("linear", "simple", "complex"):
        times: dict[tuple[str, int], list[list[float]]] = {}
        for _ in range(repeats):
            for threads in choices:
                for loop in ("plain", "fast"):
                    times.setdefault((loop, threads), []).append(_measure(network, loop, threads, epochs))
        for threads in choices:
            _require_same_losses(network, times["plain", threads][0], times["fast", threads][0])
        seconds = {key: statistics.median(run[-2] for run in runs) for key, runs in times.items()}
        best = {loop: min(choices, key=lambda threads, loop=loop: seconds[loop, threads]) for loop in ("plain", "fast")}
        plain, fast = (seconds[loop, best[loop]] for loop in ("plain", "fast"))
        plain_first, fast_first = (
            statistics.median(run[-3] for run in times[loop, best[loop]]) for loop in ("plain", "fast")
        )
        ratio = (plain_first + 149 * plain) / (fast_first + 149 * fast)
        memory = max(run[-1] for run in times["fast", best["fast"]])
        results[network] = {
            "plain": plain,
            "fast": fast,
            "plain_first": plain_first,
            "fast_first": fast_first,
            "ratio": ratio,
            "memory": memory,
            "growth": {clips: _measure(network, "fast", best["fast"], epochs, clips)[-2] for clips in GROWTH},
        }
        print(
            f"{network:8} plain {plain:.4f} s ({best['plain']} threads), fast {fast:.4f} s ({best['fast']} threads), "
            f"first epoch {plain_first:.2f} and {fast_first:.2f} s, 150 epochs {ratio:.1f}x, {memory:.0f} MB",
            flush=True,
        )
        growth = ", ".join(f"{clips}: {time:.4f} s" for clips, time in results[network]["growth"].items())
        print(f"{network:8} an epoch of the fast loop by number of clips: {growth}", flush=True)
    return results


def _require_same_losses(network: str, plain: list[float], fast: list[float]) -> None:
    for expected, found in zip(plain[: 2 * SAME_EPOCHS], fast[: 2 * SAME_EPOCHS], strict=True):
        if not abs(found - expected) <= WITHIN * abs(expected):
            raise SystemExit(f"{network}: the fast loop's loss is {found}, the plain loop's {expected}")


def _measure(network: str, loop: str, threads: int, epochs: int, clips: int = CLIPS) -> list[float]:
    """Return five epochs' losses (train, test, train, ...), the first's and the median seconds, and the peak in MB."""
    command = [sys.executable, __file__, "--measure", network, loop, str(threads), str(epochs), str(clips)]
    output, peak = run_and_measure(command)
    return [*map(float, output.split()), peak]


def _run(network: str, loop: str, threads: int, epochs: int, clips: int) -> None:
    import torch
    from plain_loop import train_plainly

    from genres.inputs import LabelledClips
    from genres.models import build_model
    from genres.params import Train, load_params
    from genres.seeding import seed_torch
    from genres.training import train

    torch.set_num_threads(threads)
    params = load_params(Path(__file__).resolve().parents[1] / "params.yaml")
    if loop == "plain":
        torch.manual_seed(0)
    else:
        seed_torch(0)
    inputs = torch.randn(clips, params.input.height, params.input.width)
    genres = torch.arange(clips) % GENRES
    trained = clips - round(clips / 5)
    train_clips = LabelledClips(inputs[:trained], genres[:trained])
    test_clips = LabelledClips(inputs[trained:], genres[trained:])
    model = build_model(
        {"linear": None, "simple": params.simple, "complex": params.complex}[network], params.input, GENRES
    )
    train_params = Train(epochs, params.train.batch_size, params.train.learning_rate)
    if loop == "plain":
        run = train_plainly(model, train_clips, test_clips, train_params, torch.Generator().manual_seed(0))
    else:
        run = train(model, train_clips, test_clips, train_params, 0)
    losses, seconds = [], []
    start = time.perf_counter()
    for epoch in run:
        seconds.append(time.perf_counter() - start)
        losses += [epoch.train.loss, epoch.test.loss]
        start = time.perf_counter()
    print(*losses[: 2 * SAME_EPOCHS], seconds[0], statistics.median(seconds[1:]))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--measure", nargs=5, metavar=("NETWORK", "LOOP", "THREADS", "EPOCHS", "CLIPS"), help=argparse.SUPPRESS
    )
    arguments = parser.parse_args()
    if arguments.measure:
        name, kind, *numbers = arguments.measure
        _run(name, kind, *map(int, numbers))
    else:
        bench_training(os.cpu_count() or 1)
