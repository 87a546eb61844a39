"""Run something that may find mistakes of the user, and get them as values."""

from __future__ import annotations

from collections.abc import Callable

from unibuild.model.errors import ErrorGroup, UnibuildError, UserError


def mistakes_of(call: Callable[[], object]) -> tuple[UnibuildError, ...]:
    """Return the user's mistakes that ``call`` raises: none, one or several."""
    try:
        call()
    except UserError as error:
        return (error,)
    except ErrorGroup as group:
        return group.errors
    return ()
