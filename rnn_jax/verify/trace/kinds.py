"""Every function of NumPy's public list, sorted: how it is recorded, or that it is refused.

A test asks that no public name is missing. What a kind means is the handler of its name in functions.py or
movements.py. Ufuncs and functions that compute are in operations.py.
"""

from __future__ import annotations

# Functions that only move elements, with the arguments that hold what is moved (by position or by name).
MOVES: dict[str, tuple[int | str, ...]] = {
    **dict.fromkeys(
        """
    reshape ravel transpose permute_dims matrix_transpose swapaxes moveaxis rollaxis squeeze expand_dims flip fliplr
    flipud rot90 roll tile repeat take take_along_axis resize broadcast_to split array_split hsplit vsplit dsplit
    unstack diagonal diag diagflat tril triu delete copy
    linalg.diagonal linalg.matrix_transpose lib.stride_tricks.sliding_window_view fft.fftshift fft.ifftshift
    """.split(),
        (0, "a", "m", "x", "ary", "arr", "array", "v", "A"),
    ),
    **dict.fromkeys(
        "concatenate concat stack vstack hstack dstack column_stack row_stack block".split(), (0, "arrays", "tup")
    ),
    "append": (0, 1, "arr", "values"),
    "insert": (0, 2, "arr", "values"),
    "choose": (1, "choices"),
    "compress": (1, "a"),
    "extract": (1, "arr"),
    "select": (1, 2, "choicelist", "default"),
    **dict.fromkeys("broadcast_arrays meshgrid atleast_1d atleast_2d atleast_3d".split(), tuple(range(32))),
}

# Of these, what fills the places to which it moves nothing with 0.
FILLING = set("tril triu diag diagflat resize".split())

# Functions that write into their first argument: their arguments in order, and the one that is written.
WRITES: dict[str, tuple[str, str]] = {
    "copyto": ("dst src casting where", "src"),
    "put": ("a ind v mode", "v"),
    "place": ("arr mask vals", "vals"),
    "putmask": ("a mask values", "values"),
    "fill_diagonal": ("a val wrap", "val"),
    "put_along_axis": ("arr indices values axis", "values"),
}

# Functions that make arrays of sizes and constants.
CREATES = """
zeros ones empty eye identity arange linspace logspace geomspace tri indices frombuffer fromfile
fromstring fromregex loadtxt genfromtxt load mask_indices tril_indices triu_indices
diag_indices unravel_index ravel_multi_index ix_ hanning hamming blackman bartlett kaiser
packbits unpackbits from_dlpack fft.fftfreq fft.rfftfreq bmat busday_count busday_offset
is_busday datetime_as_string datetime_data
""".split()

# The same, of the shape of their first argument, whose numbers they do not ask for.
LIKES = "zeros_like ones_like empty_like tril_indices_from triu_indices_from diag_indices_from".split()

FILLS = "full full_like".split()
CONVERTS = "array asarray asanyarray ascontiguousarray asfortranarray require asarray_chkfinite".split()
MATRICES = "asmatrix matrix".split()

# Functions of jumps: their result has no derivative, but hangs on the values, so that it is guarded.
DISCRETE = """
argmax argmin argsort argwhere argpartition nonzero flatnonzero count_nonzero searchsorted isclose allclose array_equal
array_equiv digitize isin lexsort nanargmax nanargmin isneginf isposinf isreal iscomplex
any all round around fix linalg.matrix_rank
""".split()

# Functions whose answer does not hang on the values.
ASKS = """
shape ndim size iscomplexobj isrealobj isscalar isfortran result_type can_cast promote_types min_scalar_type
common_type mintypecode issubdtype isdtype may_share_memory shares_memory set_printoptions get_printoptions printoptions
seterr geterr seterrcall geterrcall setbufsize getbufsize show_config show_runtime info get_include iterable
broadcast_shapes einsum_path typename binary_repr base_repr
""".split()

# Functions whose answer is text or a file: a number that comes back from there has left the tape.
SHOWS = """
array_repr array_str array2string format_float_positional format_float_scientific save savez savez_compressed savetxt
""".split()

SORTS = {"sort": "argsort", "partition": "argpartition"}

SAME = "real real_if_close".split()

# Functions that are carried in a way of their own, each by the handler of its name.
PECULIAR = "clip where pad fromiter fromfunction astype imag apply_along_axis".split()

REFUSED = """
piecewise frompyfunc nested_iters lib.stride_tricks.as_strided trim_zeros sort_complex apply_over_axes
histogram histogram2d histogramdd histogram_bin_edges bincount unique unique_all unique_counts unique_inverse
unique_values intersect1d union1d setdiff1d setxor1d
poly roots polyfit polyadd polysub polymul polydiv polyder polyint
nancumsum nancumprod nanstd nanvar nanpercentile nanquantile
angle unwrap i0 linalg.cond
linalg.lstsq linalg.qr linalg.svd linalg.eig linalg.eigvals linalg.tensorinv linalg.tensorsolve
fft.fft fft.ifft fft.rfft fft.irfft fft.fft2 fft.ifft2 fft.rfft2 fft.irfft2 fft.fftn fft.ifftn fft.rfftn fft.irfftn
fft.hfft fft.ihfft
""".split()

# Ufuncs that are refused: of several results, of whole numbers, or without a derivative that anybody asks for.
REFUSED_UFUNCS = """
modf frexp ldexp nextafter spacing gcd lcm left_shift right_shift bitwise_count isnat
""".split()

# Names of no function that a recorded number could go through.
IRRELEVANT = """
nan inf pi e euler_gamma newaxis little_endian typecodes sctypeDict ScalarType True_ False_ __version__
__array_namespace_info__ typing testing exceptions dtypes core lib f2py char strings rec random linalg fft ma polynomial
emath ctypeslib test index_exp s_ dtype errstate finfo iinfo ufunc busdaycalendar ndindex flatiter
generic number integer signedinteger unsignedinteger inexact floating complexfloating flexible character
""".split()

# Classes and objects of NumPy's that have stand-ins of their own (stand_ins.py), and all other types of scalars, whose
# calls are watched: what goes in there has left the tape.
STOOD_FOR = "vectorize matrix nditer ndenumerate poly1d r_ c_ mgrid ogrid ndarray broadcast memmap recarray".split()
