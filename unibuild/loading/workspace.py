"""WORKSPACE.toml: the root of a workspace, its repositories and its settings."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, Strict, ValidationError, field_validator

import unibuild
from unibuild.loading.directories import WORKSPACE_FILE
from unibuild.loading.licenses import check_license
from unibuild.loading.locate import locate, scan
from unibuild.loading.remote_settings import (
    RemoteCacheSettings,
    RemoteExecutionSettings,
    hide_secret,
    remote_mistakes,
)
from unibuild.loading.toml_file import read_toml
from unibuild.loading.validation import validation_errors
from unibuild.model.errors import ErrorGroup, InternalError, Place, UserError
from unibuild.model.labels import Label, is_target_name, parse_label
from unibuild.model.suggestions import did_you_mean

if TYPE_CHECKING:
    from collections.abc import Mapping

STANDARD_REPOSITORY = "unibuild"
WORKSPACE_REPOSITORY = "workspace"
DEFAULT_PLATFORM_NAME = "default_platform"
LOCK_FILE = "unibuild.lock"
_RESERVED = frozenset({WORKSPACE_REPOSITORY, "builtin"})


class _Table(BaseModel):
    """Base of the tables of WORKSPACE.toml."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class CacheSettings(_Table):
    """Where built artefacts are kept on this machine."""

    path: str = Field(
        "",
        description="Folder of the local cache, absolute or from the workspace root. "
        "`UNIBUILD_CACHE` overrides it. Default: `$XDG_CACHE_HOME/unibuild`.",
    )
    max_size: str = Field(
        "",
        description="Size that `unibuild cache gc` shrinks the cache to by default, such as `20G`.",
    )
    remote: RemoteCacheSettings | None = Field(
        None, description="The team's cache, if there is one."
    )


class ExecutionSettings(_Table):
    """Where actions run, other than on this machine."""

    remote: RemoteExecutionSettings | None = Field(
        None, description="The engine that runs actions with `--exec=remote` or `--exec=auto`."
    )


class WorkspaceFile(_Table):
    """All of WORKSPACE.toml: the one source of its validation, its schema and its reference."""

    name: str = Field(
        description="Name of the workspace: letters, digits and `_ . + = ~ -`. "
        "Its own targets can also be written `@NAME//package:target`."
    )
    standard_repository: str = Field(
        "",
        description="Folder of the standard repository `@unibuild//`, absolute or from the "
        "workspace root. Default: the one that came with unibuild.",
    )
    rules: Annotated[tuple[str, ...], Strict(strict=False)] = Field(
        (), description="Rule modules of the workspace: Python files, from its root."
    )
    default_platform: str = Field(
        "@unibuild//kernel/platform:qemu-microvm",
        description="Label of the platform for which images are made that name none.",
    )
    license: str = Field(
        "",
        description="Licence of the files of packages that declare none: an SPDX expression, or "
        "`LicenseRef-NAME` for a licence that is not on the SPDX list.",
    )
    digest: Literal["blake3", "sha256"] = Field(
        "blake3", description="Digest function that names artefacts and actions."
    )
    cache: CacheSettings = Field(
        default_factory=CacheSettings, description="The local cache and the team's."
    )
    execution: ExecutionSettings = Field(
        default_factory=ExecutionSettings, description="Where actions run."
    )
    mirrors: dict[str, Annotated[tuple[str, ...], Strict(strict=False)]] = Field(
        default_factory=dict,
        description="Further registries of external packages, asked after those that pip and apt "
        "are configured to use: lists of URLs by name, `pypi` or a distribution such as `debian`.",
    )

    @field_validator("name")
    @classmethod
    def _name_is_plain(cls, name: str) -> str:
        if not is_target_name(name) or name in _RESERVED:
            message = f"`{name}` cannot name a workspace: use letters, digits and `_ . + = ~ -`"
            raise ValueError(message)
        return name


@dataclass(frozen=True, slots=True)
class Workspace:
    """A workspace as found on disk.

    ``repositories`` maps each repository to its absolute folder: ``""`` is the main workspace. The
    standard repository opened as a workspace of its own is the main one, and ``@unibuild//`` then
    means it too.
    """

    root: Path
    settings: WorkspaceFile
    text: str
    repositories: Mapping[str, Path]
    licenses: Mapping[str, str]
    """Repository → the licence that its WORKSPACE.toml declares, which may be empty."""

    @property
    def name(self) -> str:
        """The name of the workspace."""
        return self.settings.name

    @property
    def digest_function(self) -> str:
        """The digest function that names artefacts and actions: ``blake3`` or ``sha256``."""
        return self.settings.digest

    @property
    def mirrors(self) -> Mapping[str, tuple[str, ...]]:
        """URLs of further registries, asked after the machine's own, by name."""
        return self.settings.mirrors

    @property
    def lock_path(self) -> Path:
        """The lock file of the main workspace, which may not exist."""
        return self.root / LOCK_FILE

    @property
    def lock_paths(self) -> tuple[Path, ...]:
        """The lock files that pin packages, nearest first: the workspace's, the standard one's."""
        return tuple(folder / LOCK_FILE for folder in self.repositories.values())

    @property
    def cache_path(self) -> Path | None:
        """The folder of the local cache that WORKSPACE.toml names, or None."""
        path = self.settings.cache.path
        return self.root / os.path.expanduser(path) if path else None  # noqa: PTH111 - text, not a path yet

    def canonical(self, repository: str) -> str:
        """Return the key in ``repositories`` of a name as written after ``@``.

        Raises ``UserError`` ``unknown-repository`` without a place.
        """
        if repository in self.repositories:
            return repository
        if repository == self.name:
            return ""
        known = sorted({f"@{name}" for name in (*self.repositories, self.name) if name})
        hint = did_you_mean(f"@{repository}", known)
        hint = hint or "there are " + " and ".join(f"`{name}`" for name in known)
        raise UserError("unknown-repository", f"there is no repository `@{repository}`", hint=hint)

    def label(self, text: str, repository: str = "", package: str = "") -> Label:
        """Read a label as written in ``package`` of ``repository``, its repository canonical.

        ``@workspace//:default_platform`` is the platform that WORKSPACE.toml names.
        """
        label = parse_label(text, repository, package)
        if label.repository == WORKSPACE_REPOSITORY and label.name == DEFAULT_PLATFORM_NAME:
            label = parse_label(self.settings.default_platform, "", "")
        if label.repository in {repository, ""}:
            return label
        return label._replace(repository=self.canonical(label.repository))

    def shown(self, repository: str, path: str) -> str:
        """Return how messages name the file ``path`` of ``repository``."""
        return f"@{repository}//{path}" if repository else path

    def place(self, *path: str | int) -> Place:
        """Return where a setting stands in WORKSPACE.toml."""
        return locate(WORKSPACE_FILE, self.text, path)

    def has(self, *path: str | int) -> bool:
        """Tell whether WORKSPACE.toml says anything about a setting."""
        return any(entry.path == path for entry in scan(self.text))


def find_workspace(start: Path) -> Path:
    """Return the nearest folder with a WORKSPACE.toml, from ``start`` upwards."""
    start = Path(os.path.abspath(start))  # noqa: PTH100 - keeps the user's spelling of links
    for folder in (start, *start.parents):
        if (folder / WORKSPACE_FILE).is_file():
            return folder
    raise UserError(
        "no-workspace",
        f"there is no {WORKSPACE_FILE} in `{start}` or above it",
        hint="`unibuild new NAME` makes a workspace; `-C FOLDER` works in another folder",
    )


def read_workspace(root: Path) -> Workspace:
    """Read the WORKSPACE.toml in ``root`` (absolute)."""
    try:
        tables, text = read_toml(root / WORKSPACE_FILE, WORKSPACE_FILE)
    except UserError as error:
        error.place = hide_secret(error.place)
        raise
    try:
        settings = WorkspaceFile.model_validate(tables)
    except ValidationError as fault:
        errors = validation_errors(
            fault, WorkspaceFile, WORKSPACE_FILE, WORKSPACE_FILE, text, (), tables
        )
        raise errors[0] if len(errors) == 1 else ErrorGroup(tuple(errors)) from None
    mistakes = remote_mistakes(
        settings.cache.remote,
        settings.execution.remote,
        lambda path, key: locate(WORKSPACE_FILE, text, path, key=key),
    )
    if mistakes:
        raise mistakes[0] if len(mistakes) == 1 else ErrorGroup(tuple(mistakes))
    standard = standard_repository(root, settings, text)
    repositories = {"": root}
    licenses = {"": _license(settings.license, WORKSPACE_FILE, text)}
    if not _same_folder(standard, root):
        if settings.name == STANDARD_REPOSITORY:
            raise UserError(
                "bad-value",
                f"`{STANDARD_REPOSITORY}` is the name of the standard repository",
                locate(WORKSPACE_FILE, text, ("name",)),
                "give the workspace a name of its own",
            )
        repositories[STANDARD_REPOSITORY] = standard
        licenses[STANDARD_REPOSITORY] = _license_of(standard)
    workspace = Workspace(root, settings, text, repositories, licenses)
    try:
        workspace.label(settings.default_platform)
    except UserError as error:
        error.place = workspace.place("default_platform")
        raise
    return workspace


def _license_of(folder: Path) -> str:
    """Return the licence that the WORKSPACE.toml of another repository declares."""
    shown = f"@{STANDARD_REPOSITORY}//{WORKSPACE_FILE}"
    tables, text = read_toml(folder / WORKSPACE_FILE, shown)
    return _license(str(tables.get("license", "")), shown, text)


def _license(expression: str, shown: str, text: str) -> str:
    return check_license(expression, locate(shown, text, ("license",))) if expression else ""


def standard_repository(root: Path, settings: WorkspaceFile, text: str) -> Path:
    """Return the folder of the standard repository: the one named, else the one that came along."""
    if settings.standard_repository:
        folder = root / settings.standard_repository
        if not (folder / WORKSPACE_FILE).is_file():
            raise UserError(
                "missing-file",
                f"`{settings.standard_repository}` is no repository: it has no {WORKSPACE_FILE}",
                locate(WORKSPACE_FILE, text, ("standard_repository",)),
            )
        return Path(os.path.normpath(folder))
    return builtin_repository()


def builtin_repository() -> Path:
    """Return the folder of the standard repository that came with this unibuild."""
    package = Path(unibuild.__file__).parent
    for folder in (package / "_standard", package.parent):
        if (folder / WORKSPACE_FILE).is_file():
            return folder
    raise InternalError(
        "no-standard-repository", "this installation of unibuild lacks its standard repository"
    )


def _same_folder(first: Path, second: Path) -> bool:
    """Whether both paths lead to one folder."""
    try:
        return first.samefile(second)
    except OSError:
        return False
