"""Where numba keeps compiled code: in the user's cache folder, by the content of the source.

So a checkout may be read-only, all copies of it share what is compiled (DVC's experiments are copies), and no pickle
lies beside the sources. What cannot be read back, as a full disk leaves it, is compiled again.
`processor.settle_arithmetic` names the class below to numba, which imports this module.
"""
# mypy: disable-error-code="misc, no-untyped-call"

import atexit
import hashlib
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any, Self

from numba.core import caching
from platformdirs import user_cache_path


class CacheByContent(caching._CacheLocator):
    """The place of one source file's functions."""

    def __init__(self, function: Callable[..., Any], source: Path) -> None:
        self._line = function.__code__.co_firstlineno
        self._content = hashlib.sha256(source.read_bytes()).hexdigest()
        self._folder = user_cache_path("genres") / "compiled" / self._content[:16]

    @classmethod
    def from_function(cls, py_func: Callable[..., Any], py_file: str) -> Self | None:
        """Return the place of a function, in a temporary folder if the user has none that can be written to."""
        source = Path(py_file)
        if not source.is_file():
            return None
        place = cls(py_func, source)
        try:
            place.ensure_cache_path()
        except OSError:
            place._folder = Path(tempfile.mkdtemp())
            atexit.register(shutil.rmtree, place._folder, ignore_errors=True)
        return place

    def get_cache_path(self) -> str:
        """Return the folder."""
        return str(self._folder)

    def get_source_stamp(self) -> str:
        """Return what changes with the source."""
        return self._content

    def get_disambiguator(self) -> str:
        """Return what functions of the same name in one file differ in."""
        return str(self._line)


class _CacheFile(caching.IndexDataCacheFile):
    def _load_index(self) -> Any:
        try:
            return super()._load_index()
        except Exception:  # a damaged pickle may raise anything
            return {}

    def _load_data(self, name: str) -> Any:
        try:
            return super()._load_data(name)
        except Exception as error:
            raise OSError(f"{name} is damaged") from error  # which numba takes for a missing file


caching.IndexDataCacheFile = _CacheFile
