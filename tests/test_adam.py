"""Adam: torch's own steps, bit for bit, without what torch's class loads."""

import torch
from tiny import run_code
from torch import Tensor, nn
from torch.nn import functional

from genres.adam import Adam


def losses(steps: int, own: bool) -> list[Tensor]:
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(6, 50), nn.ReLU(), nn.Linear(50, 3), nn.Linear(3, 3))
    model[3].bias.requires_grad_(False)
    inputs, genres = torch.randn(20, 6), torch.arange(20) % 3
    ours = Adam(model.parameters(), 1e-2)
    torchs = torch.optim.Adam(model.parameters(), lr=1e-2, fused=True)
    found = []
    for _ in range(steps):
        loss = functional.cross_entropy(model(inputs), genres)
        found.append(loss.detach())
        loss.backward()
        if own:
            ours.step()
        else:
            torchs.step()
            torchs.zero_grad()
    return [*found, *(parameter.detach() for parameter in model.parameters())]


def test_its_steps_are_those_of_torchs_class() -> None:
    found, expected = losses(30, own=True), losses(30, own=False)
    assert expected[29] < 0.5 * expected[0]
    for ours, torchs in zip(found, expected, strict=True):
        assert torch.equal(ours, torchs)


def test_training_does_not_load_torchs_compiler() -> None:
    code = """if True:
        import sys, torch
        from genres.inputs import LabelledClips
        from genres.models import build_model
        from genres.params import Input, Network, Train
        from genres.seeding import seed_torch
        from genres.training import train

        seed_torch(0)
        assert torch.are_deterministic_algorithms_enabled()
        clips = LabelledClips(torch.randn(5, 16, 16), torch.arange(5) % 2)
        for network in (None, Network(2, 4, 0.5)):
            model = build_model(network, Input(16, 16, 0, 1), 2)
            assert len(list(train(model, clips, clips, Train(2, 3, 1e-3), 0))) == 2
        assert not {"torch._dynamo", "torch._inductor"} & sys.modules.keys()
    """
    run_code(code)
