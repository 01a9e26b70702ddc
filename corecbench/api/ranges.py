"""Ranges of settings, to be used as types in config classes. A value outside is refused before anything is trained.

Any other range is written like these, by `typing.Annotated` and the package annotated-types.
"""

from typing import Annotated

from annotated_types import Ge, Gt, Le, Lt

Natural = Annotated[int, Ge(1)]
"""1, 2, 3 and so on."""
Count = Annotated[int, Ge(0)]
"""0, 1, 2 and so on."""
Positive = Annotated[float, Gt(0)]
"""A number above 0."""
Weight = Annotated[float, Ge(0)]
"""A number from 0."""
Share = Annotated[float, Ge(0), Le(1)]
"""A number from 0 to 1."""
Fraction = Annotated[float, Ge(0), Lt(1)]
"""A number from 0 and below 1."""
