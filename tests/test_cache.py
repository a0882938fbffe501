"""What XLA compiled is kept where it can be, and nothing is said where it cannot."""

import os
import subprocess
import sys

import pytest

FULL = """
import resource
from rnn_jax.cache import keep_compiled
keep_compiled()
resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
import jax
for _ in range(2):
    print(jax.jit(lambda x: 3 * x)(1.0))
    jax.clear_caches()
"""


@pytest.mark.skipif(sys.platform == "win32", reason="no such limits")
def test_a_full_disk_is_not_spoken_of(tmp_path):
    kept = {**os.environ, "JAX_COMPILATION_CACHE_DIR": str(tmp_path)}
    done = subprocess.run([sys.executable, "-c", FULL], capture_output=True, text=True, timeout=120, env=kept)
    assert (done.stdout, done.stderr, done.returncode) == ("3.0\n3.0\n", "", 0)
