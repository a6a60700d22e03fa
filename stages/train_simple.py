"""Train the simple CNN: three blocks of 8, 16 and 32 channels by default."""

from common import run_stage
from train_network import parse_arguments, train_network


def main() -> None:
    """Write the trained model and its figures at every epoch."""
    arguments = parse_arguments("simple", __doc__)

    from genres.params import load_params

    params = load_params(arguments.params)
    train_network(
        arguments,
        model_name="simple",
        network=params.simple,
        featurize=params.featurize,
        input_params=params.input,
        train_params=params.train,
        seed=params.seed,
    )


if __name__ == "__main__":
    run_stage(main)
