"""Features and models have the same bytes on an emulated processor as on this one."""

import shutil
from pathlib import Path

import pytest
from project import MODELS, ROOT, FirstRun, contents, remove_outputs, run_code

QEMU = shutil.which("qemu-x86_64")
HASWELL = (str(QEMU), "-cpu", "Haswell")  # Intel's first with AVX2; each test takes minutes, so one alone
UNLIKE = [model for model in MODELS if model not in ("linear", "simple")]  # trained by the code of the complex CNN
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(QEMU is None, reason="there is no qemu-x86_64 (Debian's package qemu-user)"),
]
FEATURES = """if True:
    import common
    import hashlib
    from genres.datasets.synthetic import render_clip
    from genres.duplicates import find_landmarks
    from genres.features.mel import mel_db
    from genres.inputs import model_input
    from genres.scattering_features import excerpt_features
    params = common.load_params("featurize", "input")
    clip = render_clip("rock", number=0, seed=0, seconds=3)
    samples = (clip / 2**15).astype("float32")
    mel = mel_db(samples, params.featurize)
    features = (model_input(mel, params.input), excerpt_features(mel, params.featurize))
    for array in (clip, mel, *features, *find_landmarks(samples)):
        print(array.shape, hashlib.sha256(array.tobytes()).hexdigest())
"""
# All in one process, as most of the time goes into loading the libraries.
TRAINING = """if True:
    import runpy
    import sys
    for stage in sys.argv[1:]:
        runpy.run_path(stage, run_name="__main__")
"""


def test_the_features_of_a_clip_are_the_same_on_another_processor() -> None:
    native = run_code(FEATURES)  # first, as it leaves compiled loops, which take minutes to emulate
    assert native.count("\n") == 6
    assert run_code(FEATURES, emulator=HASWELL) == native


def test_the_models_are_the_same_on_another_processor(tmp_path: Path, first_run: FirstRun) -> None:
    folder = first_run.copy(tmp_path / "project")
    native = contents(folder)
    for model in UNLIKE:
        remove_outputs(folder, f"train_{model}")
    assert contents(folder).keys() < native.keys()
    stages = [str(ROOT / f"stages/train_{model}.py") for model in UNLIKE]
    run_code(TRAINING, *stages, folder=folder, emulator=HASWELL)
    assert contents(folder) == native
