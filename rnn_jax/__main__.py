"""`rnn-jax`, and `python -m rnn_jax`."""

from rnn_jax.interrupts import ending_at_once


def main() -> None:
    """Load the command line, and run it."""
    with ending_at_once():
        from rnn_jax.cli import main as run
    run()


if __name__ == "__main__":
    main()
