"""What is run: one settings object, filled from (strongest first) arguments, environment, file,
defaults.
"""

from __future__ import annotations

import dataclasses
import os
import shutil
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lmreport.core.errors import ReportError
from lmreport.core.listing import nearest

ENV_PREFIX = "LMREPORT_"
NOT_SETTINGS = {"CACHE", "SETTINGS", "PYTHON", "COMMIT"}  # LMREPORT_ variables with another use
NUMBERS = {  # variables that libraries read as numbers when they are imported
    "HF_DATASETS_IN_MEMORY_MAX_SIZE": float,
    "HF_HUB_DOWNLOAD_TIMEOUT": int,
    "HF_HUB_ETAG_TIMEOUT": int,
    "JOBLIB_MULTIPROCESSING": int,
    "KERAS_MAX_EPOCHS": int,
    "KERAS_MAX_STEPS_PER_EPOCH": int,
    "SKLEARN_WORKING_MEMORY": int,
}
LATEST = 253402300799  # seconds from 1970 to the end of the year 9999
HUB = "hf:"  # begins the name of a data set on the Hugging Face hub; a path is ./hf:… then
OF_PERSONS = (
    "name",
    "email",
    "perm",
    "date",
    "honor",
)  # stand beside the settings; `author` reads them
OF_RENDER = ("profile", "to", "renderer")  # options of `render`, which are no settings either


@dataclass(frozen=True)
class Settings:
    """Everything that determines the results. `None` means: decided by the scale and the device
    (`resolved`).

    data: "auto" (the official archive, else the sample), "sample", an archive, a table, a folder,
    an address, or "hf:OWNER/NAME", a data set on the Hugging Face hub.
    model: a name on the Hugging Face hub or a folder with a saved model; of several, parted by
    commas, the first. The others are in `also` and are compared with it.
    scale: "quick" (minutes on two cores), "full" (all texts) or "auto" (full on a CUDA GPU, else
    quick).
    seed: seed of the split, of the initial weights and of the order of the batches.
    train_size, test_size: number of texts used, stratified by class; 0 stands for all of them.
    max_length: word pieces a text is cut to for the Transformer.
    batch_size, epochs, learning_rate: the Transformer's; lstm_epochs: the LSTM's longest training.
    """

    data: str = "auto"
    model: str = "distilbert-base-uncased"
    also: str = ""
    scale: str = "auto"
    seed: int = 157
    train_size: int | None = None
    test_size: int | None = None
    max_length: int | None = None
    batch_size: int | None = None
    epochs: int | None = None
    learning_rate: float | None = None
    lstm_epochs: int | None = None

    @property
    def models(self) -> str:
        """All pre-trained models, as they are given."""
        return f"{self.model},{self.also}" if self.also else self.model

    @property
    def others(self) -> list[Settings]:
        """The same settings for each of the models in `also`."""
        names = self.also.split(",") if self.also else []
        return [dataclasses.replace(self, model=name, also="") for name in names]


HELP = {  # of each setting on the command line
    "data": "auto, sample, an archive, a table, a folder, an address or hf:OWNER/NAME",
    "model": "a model on the hub or a folder; more, parted by commas, are compared with it",
    "scale": "quick, full or auto",
    "seed": "of split, weights and order",
    "train_size": "training texts (0: all)",
    "test_size": "test texts (0: all)",
    "max_length": "word pieces a text is cut to",
    "batch_size": "texts in a batch",
    "epochs": "of the Transformer",
    "learning_rate": "of the Transformer",
    "lstm_epochs": "of the LSTM, at most",
}
QUICK: dict[str, Any] = dict(
    train_size=800,
    test_size=800,
    max_length=128,
    batch_size=16,
    epochs=2,
    learning_rate=1e-4,
    lstm_epochs=8,
)
FULL: dict[str, Any] = dict(train_size=0, test_size=0, batch_size=16, epochs=3, lstm_epochs=20)
FULL_ON: dict[
    str, dict[str, Any]
] = {  # the longest input and the learning rate that this device affords
    "cpu": dict(max_length=256, learning_rate=1e-4),
    "cuda": dict(max_length=512, learning_rate=5e-5),
}


def working_folder() -> Path:
    """The folder that this program runs in. Raises ReportError if it was deleted meanwhile."""
    try:
        return Path.cwd()
    except FileNotFoundError:
        raise ReportError(
            "the folder that you are in does not exist any more; change into the project's folder"
        ) from None


def project_root(start: Path | None = None) -> Path:
    """The folder that holds `_quarto.yml`, looked for from `start` (default: the working folder)
    upwards, then around this package. Raises ReportError if there is none.
    """
    start = (start or working_folder()).resolve()
    for folder in (start, *start.parents, Path(__file__).resolve().parents[3]):
        if (folder / "_quarto.yml").is_file():
            return folder
    raise ReportError(
        f"no _quarto.yml in {start} or above it; run this inside the project's folder"
    )


NO_HOME = "the home folder of this user is not known; set HOME to a folder"


def cache_root() -> Path:
    """Where downloads, unpacked data and quick runs are kept: LMREPORT_CACHE, else
    ~/.cache/lmreport. Raises ReportError where neither is known.
    """
    try:
        return Path(os.environ.get("LMREPORT_CACHE") or "~/.cache/lmreport").expanduser()
    except RuntimeError as error:  # a user without a name, as containers have them
        raise ReportError(NO_HOME) from error


def home() -> Path | None:
    """The home folder of the user; None for one without a name and without HOME."""
    try:
        return Path.home()
    except RuntimeError:
        return None


def has_cuda_driver() -> bool:
    """Whether a driver of CUDA GPUs is installed."""
    return bool(shutil.which("nvidia-smi")) or Path("/dev/nvidia0").exists()


def cuda_available() -> bool:
    """True if PyTorch sees a CUDA GPU; PyTorch is asked only where a driver is installed."""
    if not has_cuda_driver():
        return False
    import torch

    return torch.cuda.is_available()


def load(
    root: Path | None = None, environment: Mapping[str, str] = os.environ, **given: object
) -> Settings:
    """Settings from `given` (None: not given), LMREPORT_… variables and the settings file, in that
    order.

    The file is `lmreport.toml` in the project's root, or the one that LMREPORT_SETTINGS names.
    Raises ReportError for an unknown key and for a value of the wrong type or range.
    """
    values = chosen(root, environment, **given)
    if "data" in values:
        values["data"] = whole_path(str(values["data"]), root)
    first, *others = names_of(str(values.get("model", Settings.model)), root)
    values |= {"model": first} | ({"also": ",".join(others)} if others else {})
    settings = Settings(**{key: _typed(key, value) for key, value in values.items()})
    if settings.scale not in ("quick", "full", "auto"):
        raise ReportError(f"scale: {settings.scale!r} is none of quick, full, auto")
    return settings


def names_of(model: str, root: Path | None = None) -> list[str]:
    """The models that a setting names, parted by commas, each once; a folder whose name has a comma
    is one. Raises ReportError for an empty name.
    """
    whole = whole_path(model, root)
    if Path(whole).exists() or "," not in model:
        return [whole]
    names = [name.strip() for name in model.split(",")]
    if "" in names:
        raise ReportError(f"model: {model!r} has an empty name; part names by one comma each")
    return list(dict.fromkeys(whole_path(name, root) for name in names))


def one_model(settings: Settings, what: str) -> Settings:
    """`settings`, if they name one model. Raises ReportError if `what` would leave others out."""
    if settings.also:
        raise ReportError(
            f"{what}: takes one model, and {settings.models!r} names several; give one, as "
            f"{settings.model!r}"
        )
    return settings


def chosen(
    root: Path | None = None, environment: Mapping[str, str] = os.environ, **given: object
) -> dict:
    """What `load` finds in the file, in the environment and among the `given`, each value as it
    stands there. Raises ReportError for a list or a table, but for a list of models.
    """
    values = {
        k: single(k, v)
        for k, v in (read_file(root, environment) | _from(environment)).items()
        if k not in OF_PERSONS and v != ""
    }
    return values | {k: v for k, v in given.items() if v not in (None, "")}


def single(key: str, value: object) -> object:
    """`value`, which is no list or table; several models as one text. Raises ReportError for
    another list, and for a table.
    """
    if isinstance(value, list) and key == "model":
        return ",".join(map(str, value))
    if isinstance(value, dict):
        raise ReportError(f"lmreport.toml: settings stand in no table; leave out [{key}]")
    if isinstance(value, list):
        raise ReportError(f"{key}: {value!r} is a list; give one value")
    return value


def whole_path(value: str, root: Path | None = None) -> str:
    """`value` as a whole path if it is a path from the working folder or from the project's root,
    else as it is.

    The cells of the report run in another folder than the command that was typed.
    """
    if value in ("auto", "sample") or "://" in value or value.startswith(HUB):
        return value
    for base in (working_folder(), project_root(root)):
        name = before_query(value, base)
        if os.path.exists(path := base / Path(name).expanduser()):
            return os.path.abspath(path) + value[len(name) :]
    return value


def before_query(value: str, base: Path | None = None) -> str:
    """The path in `reviews.csv?text=body`; it may have a ? itself, where it is there (in `base`)."""
    cuts = [len(value), *(at for at, c in enumerate(value) if c == "?")]
    there = [
        value[:at]
        for at in cuts
        if os.path.exists((base or Path()) / Path(value[:at]).expanduser())
    ]
    return next(iter(there), value.partition("?")[0])


def resolved(settings: Settings, device: str | None = None) -> Settings:
    """The same settings with nothing left open: the scale's and the device's values where None
    stood.
    """
    device = device or ("cuda" if cuda_available() else "cpu")
    scale = (
        settings.scale if settings.scale != "auto" else ("full" if device == "cuda" else "quick")
    )
    preset = QUICK if scale == "quick" else FULL | FULL_ON[device]
    open_keys = {k: v for k, v in preset.items() if getattr(settings, k) is None}
    return dataclasses.replace(settings, scale=scale, **open_keys)


def variables(values: Mapping[str, object]) -> dict[str, str]:
    """Settings as the variables of a process that is to find them in its environment."""
    return {ENV_PREFIX + name.upper(): str(value) for name, value in values.items()}


def refuse_no_numbers() -> None:
    """Raises ReportError for one of NUMBERS in the environment that is no number, at which a library
    would break off.
    """
    for name in NUMBERS.keys() & os.environ.keys():
        value, kind = os.environ[name], NUMBERS[name]
        try:
            kind(value)
        except ValueError:
            what = "whole number" if kind is int else "number"
            raise ReportError(
                f"{name} is {value!r}, which is no {what}; unset it, or correct it"
            ) from None
    epoch()


def epoch() -> int | None:
    """The seconds since 1970 in SOURCE_DATE_EPOCH; None where it is not set. Raises ReportError for
    anything else.
    """
    given = os.environ.get("SOURCE_DATE_EPOCH")
    if not given:
        return None
    if not (given.isascii() and given.isdecimal() and int(given) <= LATEST):
        raise ReportError(
            f"SOURCE_DATE_EPOCH is {given!r}, which is no time in seconds since 1970; unset it, or "
            "correct it"
        )
    return int(given)


def _from(environment: Mapping[str, str]) -> dict[str, str]:
    given = {
        n.removeprefix(ENV_PREFIX): v
        for n, v in environment.items()
        if n.startswith(ENV_PREFIX) and v
    }
    return {name.lower(): value for name, value in given.items() if name not in NOT_SETTINGS}


def read_file(root: Path | None = None, environment: Mapping[str, str] = os.environ) -> dict:
    """What the settings file says; {} where there is none. Raises ReportError if it is no TOML."""
    named = environment.get(ENV_PREFIX + "SETTINGS")
    path = Path(whole_path(named, root)) if named else project_root(root) / "lmreport.toml"
    if not path.is_file():
        if named:
            raise ReportError(
                f"LMREPORT_SETTINGS: there is no file {path}; name an existing one or unset it"
            )
        return {}
    try:
        return tomllib.loads(path.read_text(encoding="utf-8-sig"))  # Notepad writes a mark first
    except tomllib.TOMLDecodeError as error:
        raise ReportError(
            f"{path.name}: not valid TOML ({error}); put each text in double quotes, one with \\ in "
            'single quotes, and a number that begins with 0, as perm = "0123456"'
        ) from error
    except (OSError, UnicodeDecodeError) as error:
        raise ReportError(
            f"{path.name} cannot be read as UTF-8 text ({error}); save it as such"
        ) from error


def instead_of(key: str) -> str:
    """What to write instead of `key`, which is no setting."""
    if key in OF_PERSONS:
        return f"give it to lmreport render as --{key}, or write it into lmreport.toml"
    if key in OF_RENDER:
        return f"give it to lmreport render as --{key}"
    return nearest(key, (*HELP, *OF_PERSONS))


def _typed(key: str, value: object) -> Any:
    fields = {f.name: str(f.type) for f in dataclasses.fields(Settings)}
    if key not in fields:
        raise ReportError(f"unknown setting {key!r}; {instead_of(key)}")
    kind: Any = next((t for t in (int, float) if fields[key].startswith(t.__name__)), str)
    try:
        number: Any = kind(str(value).replace("_", "")) if kind is not str else str(value)
    except ValueError:
        raise ReportError(
            f"{key}: {value!r} is not {'a whole number' if kind is int else 'a number'}"
        ) from None
    least = {"train_size": 0, "test_size": 0, "seed": 0, "max_length": 8}.get(key, 1)
    if kind is int and number < least or kind is float and not 0 < number < 1:
        bounds = f"at least {least}" if kind is int else "between 0 and 1"
        raise ReportError(f"{key}: {value} is out of range; it must be {bounds}")
    if key == "seed" and number >= 2**32:
        raise ReportError(f"seed: {value} is out of range; it must be below 2^32 = {2**32:,}")
    if key == "max_length" and number > 512:
        raise ReportError(
            f"max_length: {number} is more than 512 word pieces, BERT's limit, to which this report "
            f"keeps for every model; choose 8 to 512"
        )
    return number
