"""Who imports whom, in a fresh interpreter."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent


def run(code):
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT, timeout=120)
    assert done.returncode == 0, done.stderr
    return done.stdout


def modules(package):
    files = sorted((ROOT / package).rglob("*.py"))
    assert files
    return [".".join(f.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__") for f in files]


def test_reference_leaves_jax_alone():
    imports = "; ".join(f"import {name}" for name in modules("reference"))
    loaded = run(f"import sys; {imports}; print(sorted(m.split('.')[0] for m in sys.modules))")
    assert "'numpy'" in loaded
    for forbidden in ("jax", "jaxlib", "optax", "rnn_jax"):
        assert f"'{forbidden}'" not in loaded


def test_only_verify_imports_reference():
    names = [n for n in modules("rnn_jax") if not n.startswith("rnn_jax.verify") and not n.endswith("__main__")]
    assert "rnn_jax.model" in names
    imports = "; ".join(f"import {name}" for name in names)
    loaded = run(f"import sys; {imports}; print(sorted(m.split('.')[0] for m in sys.modules))")
    assert "'jax'" in loaded
    assert "'reference'" not in loaded


@pytest.mark.parametrize("name", modules("rnn_jax"))
def test_no_import_of_reference_hides_in_a_function(name):
    path = ROOT / Path(*name.split("."))
    path = path / "__init__.py" if path.is_dir() else path.with_suffix(".py")
    imported = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            imported |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.level == 0:
            imported.add((node.module or "").split(".")[0])
    assert "reference" not in imported or name.startswith("rnn_jax.verify")


def test_report_imports_nothing_of_ours():
    source = (ROOT / "rnn_jax/verify/report.py").read_text()
    top = [node for node in ast.parse(source).body if isinstance(node, ast.Import | ast.ImportFrom)]
    imported = [a.name for node in top if isinstance(node, ast.Import) for a in node.names]
    imported += [node.module or "" for node in top if isinstance(node, ast.ImportFrom)]
    assert imported
    assert not [name for name in imported if name.split(".")[0] in ("rnn_jax", "reference", "")]


def test_importing_rnn_jax_is_cheap():
    assert run("import sys, rnn_jax; print('jax' in sys.modules, 'reference' in sys.modules)") == "False False\n"


def test_verify_is_a_package_and_a_function():
    code = """
import rnn_jax
report = rnn_jax.verify(only=["steps"], configs=2)
import rnn_jax.verify.compare
from rnn_jax.verify import verify
print(report.ok, callable(rnn_jax.verify), rnn_jax.verify.compare.TOLERANCE > 1)
import jax
print(jax.config.jax_enable_x64)
"""
    assert run(code) == "True True True\nFalse\n"
