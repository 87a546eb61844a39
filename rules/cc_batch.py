"""Compile many sources in few processes: for vendored code such as a libc, which nobody edits.

A compiler start costs more than most sources of a libc. So the sources are copied into a scratch
folder inside the sandbox, each action compiles every n-th of them with one compiler process (the
compiler's own front end takes any number of inputs and puts each object beside its source), and
archives the objects. Which files the globs match is decided in the action, because the tree is known
only when it runs.
"""

from __future__ import annotations

import re
import shlex
from typing import TYPE_CHECKING, Any

from unibuild.analysis.api import Artifact, RuleContext, ToolchainInfo

if TYPE_CHECKING:
    from collections.abc import Sequence

    from .cc_attributes import LibraryAttributes
    from .cc_compile import Compilation

_PREFIX_MAPS = (
    '-ffile-prefix-map="$root/"=',
    '-ffile-prefix-map="$root/external/unibuild/"=',
    '-ffile-prefix-map="$root/unibuild-gen/"=',
)
"""What the compiler writes of paths outside the scratch folder; the last that fits holds."""

_SCRIPT = """\
# Usage: sh SCRIPT ARCHIVE GROUP GROUPS; the list files and tools are named below.
set -e
root=$PWD
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
archive=$root/$1 group=$2 groups=$3
clang() { "$root/"%(clang)s "$@"; }
%(copy)s
cd "$work"

# The sources: those that the globs match, less those that an override replaces.
find . -type f | sed 's|^[.]/||' | sort > files
{ grep -E -f "$root/"%(include)s files || true; } | { grep -E -v -f "$root/"%(exclude)s || true; } > sources
%(override)s
awk "NR %% $groups == $group %% $groups" sources > chosen
test -s sources || { echo "no file of the tree matches tree_srcs" >&2; exit 1; }

# Assembly joins the batch inside a C file; with a preprocessor it is compiled by itself.
: > inputs
: > objects
while read -r file; do
    case $file in
    *.s) printf '__asm__(".include \\\\"%%s\\\\"");\\n' "$file" > "$file.c"
         echo "$file.c" >> inputs; echo "$file.o" >> objects ;;
    *.S) clang %(assembler)s -c "$file" -o "$file.o"; echo "$file.o" >> objects ;;
    *)   echo "$file" >> inputs; echo "${file%%.*}.o" >> objects ;;
    esac
done < chosen

# The flags of the front end are those that the driver would give it for one file.
: > probe.c
clang %(flags)s '-###' -c probe.c -o probe.o 2> probe || { cat probe >&2; exit 1; }
eval "set -- $(grep '"-cc1"' probe)"
while test "$1" != -cc1; do shift; done
: > flags
skip=
for word; do
    if test "$skip"; then skip=; continue; fi
    case $word in
    -main-file-name | -o | -x | -dumpdir) skip=1 ;;
    probe.c) ;;
    *) printf '"%%s"\\n' "$(printf %%s "$word" | sed 's/[\\\\"]/\\\\&/g')" >> flags ;;
    esac
done
shift $#
if test -s inputs; then
    clang $(head -n 1 flags | tr -d '"') @flags -x c @inputs
fi
"$root/"%(ar)s rcsD "$archive" @objects
"""


def compile_batches(
    ctx: RuleContext[Any],
    sources: Sequence[Artifact],
    tree: Artifact | None,
    compilation: Compilation,
) -> tuple[Artifact, ...]:
    """Declare the batch actions of a library; return their archives.

    ``sources`` are files of the package, copied to the path that they always have.
    """
    attributes: LibraryAttributes = ctx.attributes
    shell = ctx.dependency("shell", ToolchainInfo)
    groups = attributes.batch or 1
    name = ctx.label.name
    include = [_expression(glob) for glob in attributes.tree_srcs if not glob.startswith("!")]
    exclude = [_expression(glob[1:]) for glob in attributes.tree_srcs if glob.startswith("!")]
    if attributes.tree_srcs and tree is None:
        raise ctx.error("tree_srcs", "`tree_srcs` needs a `source_tree`")
    local = [f"^{re.escape(source.input_path)}$" for source in sources]
    lists = {
        "include": ctx.literal(f"{name}.batch/include", _lines([*include, *local] or ["^$"])),
        "exclude": ctx.literal(f"{name}.batch/exclude", _lines(exclude or ["^$"])),
    }
    script = ctx.literal(
        f"{name}.batch/compile.sh",
        _SCRIPT
        % {
            "clang": shlex.join(ctx.tool("toolchain", "clang")),
            "ar": shlex.join(ctx.tool("toolchain", "ar")),
            "copy": _copy(ctx, sources, tree, compilation),
            "include": lists["include"].input_path,
            "exclude": lists["exclude"].input_path,
            "override": _override(attributes.overrides),
            "assembler": _words(compilation.assembler_flags, compilation, tree),
            "flags": _words(compilation.flags, compilation, tree),
        },
    )
    archives = []
    for group in range(1, groups + 1):
        suffix = f".{group}" if groups > 1 else ""
        archive = ctx.declare_file(f"lib{name}{suffix}.a")
        path = f'PATH="$PWD/{shell.search_path}"; export PATH; ' if shell.search_path else ""
        ctx.action(
            "CcBatch",
            [
                *ctx.tool("shell", "sh"),
                "-e",
                "-c",
                f'{path}. "$0"',
                script,
                archive,
                str(group),
                str(groups),
            ],
            inputs=[
                *sources,
                *lists.values(),
                *compilation.headers,
                *((tree,) if tree else ()),
                compilation.toolchain.tree,
                shell.tree,
            ],
            outputs=[archive],
            description=f"CcBatch {ctx.label} ({group} of {groups})",
        )
        archives.append(archive)
    return tuple(archives)


def _copy(
    ctx: RuleContext[Any],
    sources: Sequence[Artifact],
    tree: Artifact | None,
    compilation: Compilation,
) -> str:
    """Return the commands that fill the scratch folder."""
    lines = []
    if tree is not None:
        lines.append(f'cp -R "$root/"{shlex.quote(tree.input_path)}/. "$work"')
        lines.append('chmod -R u+w "$work"')
    local = [*sources, *(header for header in compilation.headers if _is_own(ctx, header))]
    folders = sorted({file.input_path.rpartition("/")[0] for file in local} - {""})
    if folders:
        lines.append(f'(cd "$work" && mkdir -p {shlex.join(folders)})')
    for file in local:
        path = shlex.quote(file.input_path)
        lines.append(f'cp "$root/"{path} "$work/"{path}')
    return "\n".join(lines)


def _is_own(ctx: RuleContext[Any], header: Artifact) -> bool:
    """Whether ``header`` is a file of the package itself, which sources may include by name."""
    return not header.tree and header.path.startswith(ctx.path_in_package(""))


def _override(folder: str) -> str:
    """Return the commands that drop sources for which ``folder`` beside them has another."""
    if not folder:
        return ""
    return f"""\
sed -n 's|^\\(.*\\)/{folder}/\\([^/]*\\)[.][^.]*$|^\\1/\\2[.][^./]*$|p' sources > replaced
if test -s replaced; then grep -v -f replaced sources > kept; mv kept sources; fi"""


def _expression(glob: str) -> str:
    """Return the extended regular expression that matches whole paths as ``glob`` does."""
    text = ""
    parts = glob.split("/")
    for index, part in enumerate(parts):
        last = index == len(parts) - 1
        if part == "**":
            text += ".*" if last else "([^/]+/)*"
            continue
        text += "[^/]*".join(re.escape(piece) for piece in part.split("*"))
        text += "" if last else "/"
    return f"^{text}$"


def _words(flags: Sequence[str], compilation: Compilation, tree: Artifact | None) -> str:
    """Return compiler words for the shell: folders by their absolute path, the tree's by relative."""
    words = [*map(shlex.quote, flags), *_PREFIX_MAPS]
    inside = f"{tree.input_path}/" if tree is not None else None
    for flag in compilation.include_flags:
        option, path = ("-I", flag[2:]) if flag.startswith("-I") else ("", flag)
        if flag.startswith("-") and not option:
            words.append(flag)
        elif inside is not None and f"{path}/".startswith(inside):
            words.append(option + shlex.quote(path[len(inside) :] or "."))
        else:
            words.append(f'{option}"$root/"{shlex.quote(path)}')
    return " ".join(words)


def _lines(items: Sequence[str]) -> str:
    """Return ``items`` one a line."""
    return "".join(f"{item}\n" for item in items)
