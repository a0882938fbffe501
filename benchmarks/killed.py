"""A run that is killed again and again ends in the bytes of one that never was: `python benchmarks/killed.py 20`.

Trains a character model of a text made here, once in one go, and once killed with SIGKILL at random moments and resumed
each time; then compares the last checkpoints. Exit status 1 where they differ.
"""

import argparse
import hashlib
import random
import subprocess
import sys
import tempfile
import time
from pathlib import Path

TEXT = "a rose is a rose is a rose, said the nose that knows those rows of roses. " * 200
OPTIONS = ("--hidden", "24", "--steps", "32", "--batch", "4", "--schedule", "cosine", "--dropout", "0.1")


def command(folder: Path, *more: str) -> list[str]:
    """The command line of a run in a folder."""
    return [
        sys.executable,
        "-m",
        "rnn_jax",
        "train",
        "--text",
        str(folder.parent / "poem.txt"),
        "--out",
        str(folder),
        *more,
    ]


def main() -> int:
    """Run both, and say how they ended."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("kills", type=int, nargs="?", default=20)
    parser.add_argument("--updates", type=int, default=12_000)
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()
    rng = random.Random(args.seed)
    with tempfile.TemporaryDirectory() as name:
        whole, killed = Path(name) / "whole", Path(name) / "killed"
        (Path(name) / "poem.txt").write_text(TEXT, encoding="utf-8")
        start = time.perf_counter()
        settings = (*OPTIONS, "--updates", str(args.updates))
        subprocess.run(command(whole, *settings), check=True, capture_output=True)
        seconds = time.perf_counter() - start
        kills = 0
        while True:
            resumed = (killed / "last.safetensors").exists()
            run = subprocess.Popen(
                command(killed, *(("--resume",) if resumed else settings)),
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
            )
            try:
                _, err = run.communicate(timeout=rng.uniform(0.2, seconds) if kills < args.kills else None)
            except subprocess.TimeoutExpired:
                run.kill()
                run.communicate()
                kills += 1
                continue
            if run.returncode:
                print(err.decode())
                return 1
            if kills >= args.kills:
                break
            (killed / "last.safetensors").unlink()  # it came to its end before it was killed: once more from the start
        ends = [hashlib.sha256((folder / "last.safetensors").read_bytes()).hexdigest() for folder in (whole, killed)]
    print(f"killed {kills} times, in a run of {seconds:.1f} s: the last checkpoints are", end=" ")
    print("the same, byte for byte" if ends[0] == ends[1] else "DIFFERENT")
    return int(ends[0] != ends[1])


if __name__ == "__main__":
    sys.exit(main())
