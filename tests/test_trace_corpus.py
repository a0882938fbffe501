"""Some hundred small NumPy programs, made from a grammar: recorded, differentiated, and left as they were."""

import collections
import re

import jax
import numpy as np
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from rnn_jax.verify.adjoints import value_and_adjoints
from rnn_jax.verify.noise import norm
from rnn_jax.verify.of_functions import CallableSubject
from rnn_jax.verify.replay import as_function
from rnn_jax.verify.subject import Setting, record
from rnn_jax.verify.trace.arrays import Recorded
from rnn_jax.verify.trace.numbers import Number
from rnn_jax.verify.trace.tape import Constant

PROGRAMS = 330
ENOUGH = 300
WHOLE = 33  # one in so many is also given to jax.grad as a whole, which takes as long as all else for ten

# <M> is an expression of shape (2, 3), <S> (3, 3), <V> (3,), <R> (2,), <N> a number. One line, one way to make one.
EXPRESSIONS = {
    "M": """
(<M> + <M>)
(<M> * <V>)
(<M> - <R>[:, None])
<M> / (1.5 + <M> ** 2)
-<M> // 0.37 + <M> % 0.37
np.tanh(<M>)
np.exp(-(<M> ** 2))
<M> @ <S>
np.dot(<M>, <S>)
np.matmul(<S>, <M>.T).T
np.maximum(<M>, 0.3 * <M>)
np.minimum(<M>, <V>)
np.clip(<M>, -0.6, <N>)
<M>.clip(min=<N>)
np.where(<M> > <N>, <M>, <V>)
np.where([True, False, True], <M>, 2)
np.sqrt(1.0 + np.abs(<M>))
np.outer(<R>, <V>)
np.einsum('ij,kj->ik', <M>, <S>)
np.tensordot(<M>, <S>, axes=([1], [0]))
np.inner(<M>, <S>)
np.stack([<V>, <V>])
np.vstack((<V>, <V>))
np.stack([<R>, <R>, <R>], axis=-1)
np.concatenate([<M>[:1], <M>[1:]])
np.column_stack([<R>, <R>, <R>])
np.hstack([<R>[:, None], <M>[:, :2]])
np.split(np.concatenate([<M>, <S>]), [2])[0]
np.array_split(<S>, 2)[0]
<M>.reshape(3, 2).T
<M>.T.copy().T
<M>.reshape(6, order='F').reshape((3, 2)).T
np.ravel(<M>).reshape((2, -1))
<M>[::-1, [2, 0, 1]]
<M>[[1, 0]]
<S>[1:, :]
<S>[[True, False, True]]
np.flip(<M>, 1)
np.roll(<M>, 1, axis=1)
np.broadcast_to(<V>, (2, 3))
np.repeat(<V>[np.newaxis], 2, axis=0)
np.tile(<V>, (2, 1))
<M>[None].squeeze(0)
np.expand_dims(<M>, 0)[0]
np.multiply(<M>, <N>)
np.add(<M>, <V>, where=<M> > 0, out=np.ones((2, 3)))
np.exp(0.5 * <M>, out=np.empty((2, 3)))
np.log1p(np.exp(<M>))
np.log(1.2 + np.abs(<M>))
(<M> > 0) * <M>
(<M> > <V>).astype(float) * <M>
np.array([<V>, [<N>, 0.5, <N>]])
np.zeros_like(<M>) + <V>
np.full((2, 3), <N>) * <M>
np.ones((2, 1)) * <V>
np.logaddexp(<M>, 0.0)
np.cumsum(<M>, axis=1)
softmax(<M>)
sigmoid(<M>)
np.sort(<M>, axis=1)
np.take(<M>, [2, 1, 0], axis=1)
np.power(np.abs(<M>) + 0.5, 1.5)
<M> ** 2
np.square(<M>) * np.sign(<M>)
np.linalg.solve(4.0 * np.eye(3) + 0.3 * np.tanh(<S>), <M>.T).T
np.swapaxes(<M>.T, 0, 1)
np.moveaxis(<M>, 0, 1).transpose()
np.asarray(<M>.tolist())
np.pad(<M>[:, :1], ((0, 0), (1, 1)))
np.array([<V> if <N> > 0 else -<V>, <V>])
""",
    "S": """
np.outer(<V>, <V>)
<M>.T @ <M>
0.5 * (<S> @ <S>)
<S>.T
np.tril(<S>)
np.triu(<S>, 1) + <S>
np.diag(<V>)
np.eye(3) * <N> + <S>
np.tanh(<S>)
<S> - <V>[:, None]
np.stack([<V>, <V>, <V>], axis=1)
np.concatenate([<M>, <V>[None]])
np.linalg.inv(4.0 * np.eye(3) + 0.3 * np.tanh(<S>))
np.subtract.outer(<V>, <V>)
np.einsum('i,j->ij', <V>, <V>)
np.rot90(<S>)
<S>[np.ix_([2, 0, 1], [1, 1, 0])]
np.block([[<M>], [<V>[None]]])
np.insert(<M>, 1, <V>, axis=0)
np.meshgrid(<V>, <V>)[0]
""",
    "V": """
<M>.sum(0)
<M>.mean(axis=0)
np.sum(<S>, axis=1)
<S>.max(axis=0)
np.min(<S>, 0)
<M>[0]
<M>[-1, ::-1]
<S> @ <V>
<V> @ <S>
np.dot(<R>, <M>)
np.tanh(<V>)
np.cumsum(<V>)
np.prod(<M>, axis=0)
<S>.diagonal()
np.diag(<S>)
np.linalg.norm(<S> + 3.0, axis=1)
(<M> + np.array([[1.0], [-2.0]])).std(axis=0)
np.var(<S>, axis=1)
np.concatenate([<R>, [<N>]])
np.append(<R>, <N>)
np.array([<N>, <N>, 0.5])
np.array([float(x) for x in <V>]) * <V>
np.array([x * x for x in <V>])
np.array(<V>.tolist())
<M>[[1, 0, 1], [0, 2, 2]]
<V>[<V> > -99.0]
np.where(<V> > <N>, <V>, 0.1 * <V>)
sigmoid(<V>)
np.convolve(<V>, <R>)[:3]
np.vectorize(lambda x: x * x + 1)(<V>)
np.sort(<V>)
np.asarray(list(map(np.tanh, <V>)))
np.diff(np.append(<V>, <N>))
np.add.reduce(<M>)
np.maximum.accumulate(<V>)
np.stack(list(<V>))
np.squeeze(<V>[:, None])
np.fromiter((x + 1.0 for x in <V>), float)
np.linalg.solve(4.0 * np.eye(3) + 0.3 * np.tanh(<S>), <V>)
np.array([x for row in <M>.tolist() for x in row[:2]])[:3]
np.r_[<R>, <N>]
np.average(<M>, axis=0, weights=[1.0, 3.0])
[<V>, <V>, 2.0][1]
{'k': <V>}['k'] * 2
""",
    "R": """
<M>.sum(axis=1)
<M>.sum(1, keepdims=True)[:, 0]
<M> @ <V>
<V>[:2]
<V>[1:] * <N>
np.max(<M>, axis=1)
np.tanh(<R>)
np.argmax(<M>, axis=1) * <R>
np.array([<N>, <N>])
np.delete(<V>, 1)
<M>[np.arange(2), [2, 0]]
np.vecdot(<M>, <V>)
np.logaddexp.reduce(<M>, axis=1)
<M>.ravel()[::3]
""",
    "N": """
<V>[0]
<M>[1, 2]
<M>.sum()
<V>.max()
np.mean(<S>)
float(<V>[1])
<V>[2].item()
np.dot(<V>, <V>)
<V> @ <V>
np.linalg.norm(<M> + 2.0)
sum(<V>)
max(<V>)
min(<R>)
abs(<N>)
math.tanh(<N>)
math.exp(-abs(<N>))
np.tanh(<N>)
sum(x * y for x, y in zip(<V>, <V>))
np.trace(<S>)
np.log(1.0 + <N> ** 2)
<V>.tolist()[1]
(1.0 if <N> > 0 else 0.5) * <N>
(round(<N>) + <N>)
np.einsum('ij,ij', <M>, <M>)
np.vdot(<M>, <M>)
np.logaddexp.reduce(<V>)
(int(3 * <N>) * 0.1 + <N>)
np.float64(<N>) ** 2
np.sum(<M>, where=<M> > 0)
len(<V>) * <N>
<M>.var()
-<N> / (2 + <N> ** 2)
""",
}

# Statements: $ is the variable that they make, of the shape that stands before the colon.
STATEMENTS = r"""
M: $ = np.zeros((2, 3)); for i in range(2):\n    $[i] += <V> * (i + 1)
M: $ = <M> * 1.0; $[0] += <V>
M: $ = <M> * 1.0; $[:, 0] = <R>
M: $ = <M> * 1.0; $.T[1] -= <R>
M: $ = <M> * 1.0; $ *= <V>; $ /= 2
M: $ = <M> * 1.0; $[$ > 0] *= 0.5
M: $ = <M> * 1.0; $[$ > 0] = <N>
M: $ = <M>.copy(); $.reshape(-1)[1:4] = <V>
M: $ = <M>.copy(); $.ravel()[::2] += <V>
M: $ = np.zeros((2, 3), order='F'); $[1] = <V>; $.T.ravel()[:3] += <V>
M: $ = np.empty((3, 2)).T; $[...] = <M>; $[:, ::-1][0, 0] = <N>
M: $ = <M> * 1.0; np.add.at($, ([0, 1, 1], [0, 2, 2]), <V>)
M: $ = <M> * 1.0; np.copyto($, <M>, where=<M> > 0)
M: $ = <M> * 1.0; np.put($, [1, 5], <R>)
M: $ = <M> * 1.0; np.add($, <V>, out=$)
M: $ = <M> * 1.0; np.tanh($, $)
M: $ = <M> * 1.0; $[1:] = $[:-1]
M: $ = <M> * 1.0; $ += $[::-1, ::-1]
M: $ = <M> * 1.0; $.flat[[0, 3]] = <R>
M: $ = <M> * 1.0; $ -= 0.1 * $.mean(axis=0)
M: $ = <M>.astype(float); part = $[:, 1:]; part[...] *= <N>; part[0] += $[1, :2]
M: $ = np.empty_like(<M>); $.fill(<N>); $[:, [2, 0]] = <R>[:, None]
M: $ = <M> * 1.0; $[0], $[1] = $[1] * 1.0, <V>
M: $ = np.array(<M>); np.multiply($, <V>, out=$, where=[True, False, True])
M: $ = np.zeros((3, 2)); first, rest = np.split($, [1]); first += <R>; rest[:] = <M>[:, :2]; $ = $.T
S: $ = <S> * 1.0; np.fill_diagonal($, <V>)
S: $ = <S> * 1.0; $ -= $.T
S: $ = np.zeros((3, 3)); for t in range(1, 3):\n    $[t] = np.tanh($[t - 1] @ <S> + <V>)
V: h = {0: <V>}; for k in range(1, 3):\n    h[k] = np.tanh(<S> @ h[k - 1]); $ = h[2]
V: rows = []; for row in <S>:\n    rows.append(row.sum()); $ = np.array(rows)
V: box = Box(<V>); box.x = box.x * <N>; box.scale(2.0); $ = box.x
V: pair = (<V>, <V>); $ = pair[0] * pair[1]
V: $ = <V>.copy(); for i, x in enumerate($):\n    $[i] = x * x if x > 0 else 0.3 * x
V: tree = {'a': [<V>, {'b': <V>}]}; tree['a'][1]['b'] = tree['a'][0] + tree['a'][1]['b']; $ = tree['a'][1]['b']
V: total = 0.0; for x in <V>:\n    total += x * x; $ = <V> * total
V: $ = <V> * 1; $[1:] += $[:-1]
V: $ = <V> * 1; $[[0, 2]] -= <R>
V: $ = np.concatenate([row for row in <M>])[2:5]; $ = $ + <V>
N: $ = 0.0; while $ < 1.0:\n    $ += 0.3 + <N> ** 2
N: best = None; for x in <V>:\n    best = x if best is None or x > best else best; $ = best * 1.0
"""

HEAD = """
import math
import numpy as np

class Box:
    def __init__(self, x):
        self.x = x
    def scale(self, by):
        self.x *= by

def sigmoid(x):
    return 1.0 / (1.0 + np.exp(-x))

def softmax(x):
    e = np.exp(x - np.max(x, axis=-1, keepdims=True))
    return e / e.sum(axis=-1, keepdims=True)

def loss():
"""
PARAMETERS = {"A": "M", "D": "S", "u": "V", "w": "R"}
SHAPES = {"M": (2, 3), "S": (3, 3), "V": (3,), "R": (2,)}
CHOICES = {shape: text.strip().splitlines() for shape, text in EXPRESSIONS.items()}
BLOCKS = [line.partition(": ")[::2] for line in STATEMENTS.strip().splitlines()]


@st.composite
def programs(draw):
    """A function `loss` over four arrays."""
    known = collections.defaultdict(list)
    for name, shape in PARAMETERS.items():
        known[shape].append(name)

    def filled(template, depth):
        return re.sub("<([MSVRN])>", lambda found: expression(found.group(1), depth), template)

    def expression(shape, depth):
        if known[shape] and (depth == 0 or draw(st.integers(0, 2)) == 0):
            return draw(st.sampled_from(known[shape]))
        if depth <= 0:
            return {"N": "u[1]"}[shape]
        return "(" + filled(draw(st.sampled_from(CHOICES[shape])), depth - 1) + ")"

    lines = []
    for number in range(draw(st.integers(3, 5))):
        name = f"t{number}"
        if draw(st.booleans()):
            shape, block = draw(st.sampled_from(BLOCKS))
            made = filled(block, 1).replace("$", name).replace("\\n", "\n")
            lines += made.split("; ")
        else:
            shape = draw(st.sampled_from("MSVRN"))
            lines.append(f"{name} = np.tanh({filled(draw(st.sampled_from(CHOICES[shape])), 2)})")
        known[shape].append(name)
    results = [f"np.sum(np.sin({name} + 0.1 * {k}))" for k, name in enumerate(PARAMETERS)]
    results += [f"np.mean(np.tanh({n}) * {k + 1})" for k, n in enumerate(x for s in known.values() for x in s)]
    lines.append(f"return {' + '.join(results)}")
    text = "\n".join(lines)
    return HEAD + "\n".join("    " + line for line in text.splitlines()) + "\n", draw(st.integers(0, 10**6))


def slopes(loss, values, direction, step):
    """The slope by a five-point difference, what rounding and the step leave of it, and whether a kink lies there."""
    start = {name: value.copy() for name, value in values.items()}
    f = []
    for k in (-2, -1, 0, 1, 2):
        for name, value in values.items():
            value[...] = start[name] + k * step * direction[name]
        f.append(float(loss()))
    for name, value in values.items():
        value[...] = start[name]
    slope = (f[0] - 8 * f[1] + 8 * f[3] - f[4]) / (12 * step)
    # The difference of the five-point and the three-point one is the error of the latter, h² f'''/6; that of the former
    # is h² smaller. Rounding: a loss is a sum of some hundred terms, each to 1e-16 of at most 1e2.
    return slope, 1e-13 / step * max(1.0, *map(abs, f)) + step * abs(slope - (f[3] - f[1]) / (2 * step))


def sweep(loss, values):
    """The recording, and the gradient of its sweep."""
    made = record(CallableSubject(loss, lambda: None, values), Setting())
    adjoint = value_and_adjoints(made.recorder.tape, made.output)
    return made, {name: adjoint[ids] for name, ids in made.ids.items()}


def same_as_jax(loss, made, ours, values, rng):
    """The sweep's gradient is JAX's own of the whole tape.

    The two round in some dozens of operations each in its own way. What one rounding does to the gradient is seen where
    the parameters move by one eps; 64 of them, and of the gradient's own, are room for these programs.
    """
    noise = {name: 2.0**-52 * norm(gradient) for name, gradient in ours.items()}
    start = {name: value.copy() for name, value in values.items()}
    for _ in range(2):
        for value in values.values():
            value *= 1 + 2.0**-52 * rng.choice([-1, 1], value.shape)
        moved = sweep(loss, values)[1]
        noise = {name: noise[name] + norm(moved[name] - ours[name]) for name in noise}
        for name, value in values.items():
            value[...] = start[name]
    with jax.numpy_dtype_promotion("standard"):
        function = as_function(made.recorder.tape, made.output)
        theirs = jax.grad(lambda inputs: function(inputs).reshape(()))(values)
    for name, level in noise.items():
        assert norm(np.asarray(theirs[name]) - ours[name]) <= 64 * level, name


def check(source, seed, whole):
    """All that has to hold of one program; whether its slope could be measured."""
    rng = np.random.default_rng(seed)
    values = {name: rng.normal(size=SHAPES[shape]) for name, shape in PARAMETERS.items()}
    before = {name: value.copy() for name, value in values.items()}
    namespace = dict(values)
    exec(compile(source, "/samples/program.py", "exec"), namespace)
    loss = namespace["loss"]
    plain = float(loss())
    names = dict(namespace)
    # Each operation's value is checked here to 8 ulp.
    made, ours = sweep(loss, values)
    # The same numbers, and nothing left behind.
    assert made.loss == plain == float(loss())
    assert all(np.array_equal(values[name], before[name]) for name in values)
    assert namespace == names or all(namespace[n] is names[n] for n in names)
    assert not any(isinstance(value, Recorded | Number) for value in namespace.values())
    assert not isinstance(made.output, Constant)
    if whole:
        same_as_jax(loss, made, ours, values, rng)
    # The program itself. Of several steps one has to agree: the larger ones reach over a kink sooner.
    direction = {name: rng.normal(size=v.shape) for name, v in values.items()}
    along = sum(float(np.vdot(ours[name], direction[name])) for name in ours)
    found = [slopes(loss, values, direction, step) for step in (1e-3, 1e-4, 1e-5)]
    return any(abs(slope - along) <= error for slope, error in found), (along, found)


def test_programs_of_a_grammar():
    """Every one is right in all ways; nearly all can be measured by differences, the rest lie at a kink."""
    seen, off, kinds = set(), [], collections.Counter()

    @settings(
        max_examples=PROGRAMS,
        derandomize=True,
        deadline=None,
        database=None,
        suppress_health_check=list(HealthCheck),
        phases=[Phase.generate],
    )
    @given(programs())
    def one(made):
        source, seed = made
        agrees, told = check(source, seed, len(seen) % WHOLE == 0)
        (off.append((source, told)) if not agrees else seen.add(source))
        kinds.update(re.findall(r"np\.([a-z_.]+)", source))

    one()
    assert not off, off[0]
    assert len(seen) >= ENOUGH
    # The grammar was really used: nearly every function that it knows occurs.
    known = set(re.findall(r"np\.([a-z_.]+)\(", "".join(EXPRESSIONS.values()) + STATEMENTS))
    assert len(known - set(kinds)) < 0.1 * len(known)
