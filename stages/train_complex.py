"""Train the complex CNN: by default, twice the channels and hidden units of the simple one."""

from common import run_stage
from train_network import parse_arguments, train_network


def main() -> None:
    """Write the trained model and its figures at every epoch."""
    arguments = parse_arguments("complex", __doc__)

    from genres.params import load_params

    params = load_params(arguments.params)
    train_network(
        arguments,
        model_name="complex",
        network=params.complex,
        featurize=params.featurize,
        input_params=params.input,
        train_params=params.train,
        seed=params.seed,
    )


if __name__ == "__main__":
    run_stage(main)
