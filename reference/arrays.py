"""The type of every real array: floating point of any precision, and complex for the complex step."""

from typing import TYPE_CHECKING

import jaxtyping

if TYPE_CHECKING:
    from jaxtyping import Inexact
else:

    class Inexact(jaxtyping.AbstractDtype):
        """jaxtyping's Inexact, and the extended precision that rounding is measured with."""

        dtypes = (*jaxtyping.Inexact.dtypes, "longdouble", "clongdouble")


__all__ = ["Inexact"]
