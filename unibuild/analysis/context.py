"""The rule context: everything that the implementation of a rule can see and do.

Rules of use: read ``attributes``; ask for files and providers of what the target refers to; declare
outputs; declare actions over them; return providers. Paths are relative, with ``/``, and as actions
see them, so no rule can let a place of this machine into an action.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Generic, TypeAlias, TypeVar

from unibuild.analysis.attributes import Attributes, listed
from unibuild.analysis.materials import own_material
from unibuild.analysis.providers import (
    DefaultInfo,
    Material,
    MaterialInfo,
    Provider,
    ToolchainInfo,
)
from unibuild.analysis.targets import Target, package_prefix
from unibuild.loading.licenses import check_license
from unibuild.loading.sources import check_path_text
from unibuild.model.actions import DEFAULT_ENVIRONMENT, Action
from unibuild.model.artifacts import GENERATED_PREFIX, Artifact, Origin
from unibuild.model.errors import UserError
from unibuild.model.labels import Label

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from unibuild.external.go_sum import Module

A = TypeVar("A", bound=Attributes)
P = TypeVar("P", bound=Provider)

Argument: TypeAlias = str | Artifact | tuple[str | Artifact, ...]
"""One argument of a command: text, an artefact's path, or several of these joined."""


class RuleContext(Generic[A]):
    """One target under analysis. ``A`` is the rule's attributes model."""

    def __init__(
        self,
        target: Target,
        providers: Mapping[Label, Mapping[type[Provider], Provider]],
    ) -> None:
        """Open the context of ``target``; ``providers`` holds those of all its dependencies."""
        self._target = target
        self._providers = providers
        self._prefix = package_prefix(target.label.repository, target.label.package)
        self.actions: list[Action] = []

    @property
    def label(self) -> Label:
        """The target's label."""
        return self._target.label

    @property
    def attributes(self) -> A:
        """The validated attributes of the target."""
        return self._target.attributes  # type: ignore[return-value]

    @property
    def package_path(self) -> str:
        """Where actions find the package's source files: ``services/dns``, or empty at the root."""
        return self._prefix.removesuffix("/")

    @property
    def generated_path(self) -> str:
        """Where actions find what other targets of the package generate."""
        return f"{GENERATED_PREFIX}/{self._prefix}".removesuffix("/")

    # What the target refers to ------------------------------------------------------------------

    def files(self, attribute: str) -> tuple[Artifact, ...]:
        """Return the files that ``attribute`` names, globs expanded, labels by their outputs."""
        found: dict[Artifact, None] = {}
        for reference in self._target.references.get(attribute, ()):
            if isinstance(reference, Label):
                found.update(dict.fromkeys(self._outputs(reference)))
            else:
                found[self._source(reference)] = None
        return tuple(found)

    def file(self, attribute: str) -> Artifact | None:
        """Return the one file that ``attribute`` names, or None where it is empty."""
        references = self._target.references.get(attribute, ())
        return self._single(attribute, None, references[0]) if references else None

    def modules(self, attribute: str) -> tuple[Module, ...]:
        """Return the modules that the go.sum in ``attribute`` names; empty where there is none."""
        return self._target.modules.get(attribute, ())

    def mapped_files(self, attribute: str) -> dict[str, Artifact]:
        """Return the table of ``attribute`` with each value as the one file that it names."""
        keys = getattr(self.attributes, attribute)
        references = self._target.references.get(attribute, ())
        return {
            key: self._single(attribute, key, reference)
            for key, reference in zip(keys, references, strict=True)
        }

    def mapped_folders(self, attribute: str) -> list[tuple[str, Artifact]]:
        """Return what the folders and labels of a table hold, with its path below the table's key.

        A label's one tree stands under the key itself, its files under their names below it.
        """
        table = getattr(self.attributes, attribute)
        if not isinstance(table, dict):
            return []
        return [
            (f"{key.rstrip('/')}{inside}" or key, artifact)
            for key, value in table.items()
            for text in listed(value)
            for inside, artifact in self._in_folder(attribute, text)
        ]

    def _in_folder(self, attribute: str, text: str) -> Iterator[tuple[str, Artifact]]:
        """Yield what one folder or label of a table holds, by path with a leading ``/``."""
        folder = text.removesuffix("/") + "/"
        for reference in self._target.references.get(attribute, ()):
            if isinstance(reference, str):
                if reference.startswith(folder):
                    yield f"/{reference.removeprefix(folder)}", self._source(reference)
            elif self._target.package.refers_to(text, reference):
                outputs = self._outputs(reference)
                if len(outputs) == 1 and outputs[0].tree:
                    yield "", outputs[0]
                else:
                    for output in outputs:
                        yield f"/{output.path.rpartition('/')[2]}", output
                return

    def files_of(self, attribute: str, text: str) -> tuple[Artifact, ...]:
        """Return the files that ``text``, written as in ``attribute``, stands for there; or none."""
        for reference in self._target.references.get(attribute, ()):
            if isinstance(reference, Label):
                if self._target.package.refers_to(text, reference):
                    return self._outputs(reference)
            elif reference == text:
                return (self._source(reference),)
        return ()

    def path_in_package(self, name: str) -> str:
        """Return the ``path`` that an artefact ``name`` of this package has."""
        return self._prefix + name

    def labels(self, attribute: str) -> tuple[Label, ...]:
        """Return the targets that ``attribute`` names, in order, files left out."""
        references = self._target.references.get(attribute, ())
        return tuple(item for item in references if isinstance(item, Label))

    def dependencies(self, attribute: str, provider: type[P]) -> tuple[P, ...]:
        """Return ``provider`` of every target that ``attribute`` names; one without it is an error."""
        return tuple(self._need(attribute, label, provider) for label in self.labels(attribute))

    def optional_dependencies(self, attribute: str, provider: type[P]) -> tuple[P, ...]:
        """Return ``provider`` of those targets that ``attribute`` names and that have it."""
        found = (self.get(label, provider) for label in self.labels(attribute))
        return tuple(item for item in found if item is not None)

    def dependency(self, attribute: str, provider: type[P]) -> P:
        """Return ``provider`` of the one target that ``attribute`` names; empty is an error."""
        found = self.optional_dependency(attribute, provider)
        if found is None:
            raise self.error(attribute, f"`{attribute}` needs a label")
        return found

    def optional_dependency(self, attribute: str, provider: type[P]) -> P | None:
        """Return ``provider`` of the one target that ``attribute`` names, or None where empty."""
        labels = self.labels(attribute)
        return self._need(attribute, labels[0], provider) if labels else None

    def tool(self, attribute: str, name: str) -> tuple[str, ...]:
        """Return the command line of tool ``name`` of the toolchain that ``attribute`` names.

        Add the toolchain's ``tree`` to the inputs of the action that runs it.
        """
        toolchain = self.dependency(attribute, ToolchainInfo)
        command = toolchain.tools.get(name)
        if command is None:
            has = ", ".join(f"`{tool}`" for tool in toolchain.tools)
            raise self.error(
                attribute,
                f"the toolchain `{self.labels(attribute)[0]}` has no tool `{name}`",
                hint=f"it has {has}" if has else "it has none",
                id="missing-tool",
            )
        return command

    def get(self, label: Label, provider: type[P]) -> P | None:
        """Return ``provider`` of a dependency, or None where it has none."""
        found = self._providers[label].get(provider)
        return found if isinstance(found, provider) else None

    # Where things are from ----------------------------------------------------------------------

    @property
    def material(self) -> Material:
        """The target's own files, with the licence of their package."""
        return own_material(self._target.package, self.label)

    def materials(self, *attributes: str) -> tuple[Material, ...]:
        """Return where what the attributes name is from, each once, what others made first.

        A file of the package, and a target that does not say, count as the target's own.
        """
        theirs: dict[Material, None] = {}
        own: dict[Material, None] = {}
        for attribute in attributes:
            for reference in self._target.references.get(attribute, ()):
                found = self.get(reference, MaterialInfo) if isinstance(reference, Label) else None
                if found is not None:
                    theirs.update(dict.fromkeys(found.materials))
                else:
                    own[self.material] = None
        return tuple(dict.fromkeys((*theirs, *own)))

    def license(self, attribute: str) -> str:
        """Return the licence that ``attribute`` declares, checked; empty where it declares none."""
        expression = str(getattr(self.attributes, attribute))
        if not expression:
            return ""
        return check_license(expression, self._target.place(attribute))

    # What the target makes ----------------------------------------------------------------------

    def declare_file(self, name: str, *, executable: bool = False) -> Artifact:
        """Declare the file ``name`` (relative, with ``/``) of the package as an output."""
        return Artifact(Origin.GENERATED, self._output_path(name), executable=executable)

    def declare_tree(self, name: str) -> Artifact:
        """Declare the directory ``name`` of the package, with all it will hold, as an output."""
        return Artifact(Origin.GENERATED, self._output_path(name), tree=True)

    def literal(self, name: str, content: str | bytes, *, executable: bool = False) -> Artifact:
        """Return a file of known ``content`` that actions may read; no action makes it."""
        data = content.encode() if isinstance(content, str) else content
        path = self._output_path(name)
        return Artifact(Origin.LITERAL, path, executable=executable, content=data)

    def package_file(self, purl: str, name: str) -> Artifact:
        """Return a file of an external package, pinned by ``unibuild.lock``, as input ``name``."""
        return Artifact(Origin.PACKAGE, self._output_path(name), purl=purl)

    def action(
        self,
        mnemonic: str,
        arguments: Sequence[Argument],
        *,
        outputs: Sequence[Artifact],
        inputs: Iterable[Artifact] = (),
        prunable: Iterable[Artifact] = (),
        depfile: Artifact | None = None,
        environment: Mapping[str, str] | None = None,
        builtin: str = "",
        description: str = "",
        test: bool = False,
        timeout: int = 600,
    ) -> None:
        """Declare one action. ``mnemonic`` is its kind in one word, such as ``CcCompile``.

        Artefacts among ``arguments`` stand for their paths, and are inputs unless they are in
        ``outputs``. ``prunable`` are inputs that ``depfile`` may find unread; ``depfile`` is an
        output by itself. ``builtin`` names a built-in action: the command is then
        ``@builtin/NAME`` followed by ``arguments``. ``timeout`` is in seconds.
        """
        made = tuple(outputs) if depfile is None else (*outputs, depfile)
        if not made:
            cause = f"rule `{self._target.rule.name}` declares an action without an output"
            raise UserError("bad-rule-module", cause, self._target.place())
        making = set(made)
        read: dict[Artifact, None] = dict.fromkeys(inputs)
        words = [f"@builtin/{builtin}"] if builtin else []
        for argument in arguments:
            parts = argument if isinstance(argument, tuple) else (argument,)
            for part in parts:
                if isinstance(part, Artifact) and part not in making:
                    read[part] = None
            words.append("".join(_word(part, making) for part in parts))
        may_prune = tuple(dict.fromkeys(prunable))
        read.update(dict.fromkeys(may_prune))
        variables = DEFAULT_ENVIRONMENT
        if environment:
            variables = tuple(sorted({**dict(DEFAULT_ENVIRONMENT), **environment}.items()))
        self.actions.append(
            Action(
                label=str(self.label),
                mnemonic=mnemonic,
                arguments=tuple(words),
                inputs=tuple(read),
                outputs=made,
                environment=variables,
                builtin=builtin,
                depfile=depfile,
                prunable=may_prune,
                description=description or f"{mnemonic} {made[0].path}",
                test=test,
                timeout=timeout,
            )
        )

    def error(
        self,
        attribute: str,
        cause: str,
        *,
        hint: str = "",
        item: int | str | None = None,
        id: str = "bad-attribute",  # noqa: A002 - the field's own name in every error
    ) -> UserError:
        """Return an error placed at ``attribute`` (or at its element ``item``), ready to raise."""
        return UserError(id, cause, self._target.place(attribute, item), hint)

    # Helpers ------------------------------------------------------------------------------------

    def _source(self, path: str) -> Artifact:
        return Artifact(Origin.SOURCE, self._prefix + path)

    def _outputs(self, label: Label) -> tuple[Artifact, ...]:
        found = self._providers[label].get(DefaultInfo)
        return found.outputs if isinstance(found, DefaultInfo) else ()

    def _single(self, attribute: str, key: str | None, reference: Label | str) -> Artifact:
        if not isinstance(reference, Label):
            return self._source(reference)
        outputs = self._outputs(reference)
        if len(outputs) != 1:
            raise self.error(
                attribute,
                f"`{reference}` has {len(outputs)} outputs where one file is needed",
                hint="name a target with one output"
                if not outputs
                else f"take one of: {_list(outputs)}",
                item=key,
                id="one-file",
            )
        return outputs[0]

    def _need(self, attribute: str, label: Label, provider: type[P]) -> P:
        found = self.get(label, provider)
        if found is None:
            has = sorted(kind.__name__ for kind in self._providers[label])
            raise self.error(
                attribute,
                f"`{label}` cannot be used in `{attribute}`: it has no {provider.__name__}",
                hint=f"it provides {', '.join(has)}" if has else "it provides nothing",
                item=self._target.item_of(attribute, label),
                id="wrong-target",
            )
        return found

    def _output_path(self, name: str) -> str:
        try:
            check_path_text(name)
        except UserError as error:
            error.place = self._target.place_of_text(name)
            error.hint = "an output is a path relative to the package, without `..`"
            raise
        return self._prefix + name


def _word(part: str | Artifact, making: set[Artifact]) -> str:
    """Return the text of one part of an argument."""
    if isinstance(part, str):
        return part
    return part.output_path if part in making else part.input_path


def _list(outputs: tuple[Artifact, ...]) -> str:
    """Return the names of the first few of ``outputs``."""
    return ", ".join(artifact.path.rpartition("/")[2] for artifact in outputs[:5])
