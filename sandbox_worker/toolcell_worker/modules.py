"""
Imports the modules of a bundle, each on its own: what is wrong with one is a sentence about that
one, never an exception of ours.

The bundle's code is the operator's, so this contains mistakes, not attacks: a file that does not
end, that calls sys.exit() or that starts a thread.
"""

from __future__ import annotations

import importlib
import importlib.util
import pkgutil
import signal
import sys
import threading
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from toolcell_worker.errors import DefinitionError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from types import FrameType, ModuleType

IMPORT_SECONDS = 20.0  # arbitrary; a numeric library takes a few
NAMESPACE = "toolcell_bundles"


class NotLoaded(Exception):  # noqa: N818  # names what happened
    """
    Raised when a module cannot be imported; `reason` is one sentence, `tool` a name if known.
    """

    def __init__(self, reason: str, tool: str = "") -> None:
        super().__init__(reason)
        self.reason = reason
        self.tool = tool


class ImportTooSlow(BaseException):  # a file's `except Exception` must not stop it
    """
    Raised when importing takes too long.
    """


def in_folder(folder: Path) -> list[Path]:
    """
    The files of a folder that hold tools, in order of their names.
    """
    return sorted(path for path in folder.glob("*.py") if not path.name.startswith("_"))


def in_package(package: ModuleType) -> list[str]:
    """
    Names of the modules of a package, its own first; packages in it are imported to look inside.
    """
    names = [package.__name__]
    found = pkgutil.walk_packages(
        getattr(package, "__path__", ()), package.__name__ + ".", onerror=lambda _: None
    )
    return names + [m.name for m in found if not m.name.rpartition(".")[2].startswith("_")]


def load_file(path: Path, bundle: str) -> ModuleType:
    """
    Import one file under a name that no other module has.

    Raises:
        NotLoaded: it cannot be imported.
    """
    name = f"{NAMESPACE}.{bundle}.{path.stem}"
    spec = importlib.util.spec_from_file_location(name, path)
    if spec is None or spec.loader is None:
        raise NotLoaded(f"{path.name} is not a Python file")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    loader = spec.loader
    try:
        _guarded(lambda: loader.exec_module(module), str(path))
    except NotLoaded:
        del sys.modules[name]
        raise
    return module


def load_module(name: str) -> ModuleType:
    """
    Import one module by its name.

    Raises:
        NotLoaded: it cannot be imported.
    """
    found: list[ModuleType] = []
    _guarded(lambda: found.append(importlib.import_module(name)), name.replace(".", "/") + ".py")
    return found[0]


def _guarded(load: Callable[[], None], file: str) -> None:
    threads = threading.active_count()
    try:
        with _limited(IMPORT_SECONDS):
            load()
    except DefinitionError as exc:
        raise NotLoaded(f"{_place(exc, file)}{exc}", exc.tool) from None
    except SyntaxError as exc:
        name = Path(exc.filename or file).name
        raise NotLoaded(f"{name}, line {exc.lineno or 0}: {exc.msg}") from None
    except ImportError as exc:
        raise NotLoaded(f"{_place(exc, file)}{_sentence(exc)}; {_remedy(exc)}") from None
    except SystemExit as exc:
        reason = f"it calls sys.exit({exc.code!r}) while it is imported"
        raise NotLoaded(_place(exc, file) + reason) from None
    except ImportTooSlow as exc:
        reason = f"importing it takes longer than {IMPORT_SECONDS:g} seconds"
        raise NotLoaded(_place(exc, file) + reason) from None
    except BaseException as exc:  # noqa: BLE001  # a file may raise anything; the others go on
        raise NotLoaded(f"{_place(exc, file)}{type(exc).__name__}: {_sentence(exc)}") from None
    if threading.active_count() > threads:
        # A fork copies one thread only, with the locks of all.
        raise NotLoaded(f"{Path(file).name}: it starts a thread while it is imported")


@contextmanager
def _limited(seconds: float) -> Iterator[None]:
    """
    Raises ImportTooSlow inside after so long; the alarm of whoever called us is set again after.
    """

    def end(_signal: int, _frame: FrameType | None) -> None:
        raise ImportTooSlow

    if threading.current_thread() is not threading.main_thread():
        yield  # only the main thread has signals
        return
    handler = signal.signal(signal.SIGALRM, end)
    before, interval = signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, before, interval)
        signal.signal(signal.SIGALRM, handler)


def _remedy(exc: ImportError) -> str:
    if (exc.name or "").startswith(NAMESPACE):
        return "files of a folder are no package: write `import other`, not `from . import other`"
    if isinstance(exc, ModuleNotFoundError):
        return "install it in the bundle's environment"
    return "check what it imports"


def _place(exc: BaseException, file: str) -> str:
    """
    The file and the line in it from which the exception came.
    """
    name, line = Path(file).name, 0
    step = exc.__traceback__
    while step is not None:
        code = step.tb_frame.f_code.co_filename
        if code == file or code.endswith("/" + file):
            line = step.tb_lineno
        step = step.tb_next
    return f"{name}, line {line}: " if line else f"{name}: "


def _sentence(exc: BaseException) -> str:
    try:
        text = " ".join(str(exc).split())
    except Exception:  # noqa: BLE001  # the exception's own code
        text = ""
    return text[:300] or type(exc).__name__
