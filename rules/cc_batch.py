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
# Usage: sh SCRIPT ARCHIVE GROUP GROUPS [SOURCE…]; tools and flags are named below.
set -e
root=$PWD
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
archive=$root/$1 group=$2 groups=$3
shift 3
clang() { "$root/"%(clang)s "$@"; }
%(copy)s
cd "$work"
%(choose)s
# Assembly joins the batch inside a C file; with a preprocessor it is compiled by itself.
: > inputs
: > objects
count=0
while read -r file; do
    case $file in
    *.S) clang %(assembler)s -c "$file" -o "$file.o"; echo "$file.o" >> objects; continue ;;
    *.s) printf '__asm__(".include \\"%%s\\"");\n' "$file" > "$file.c"; file=$file.c ;;
    esac
    count=$((count + 1)) only=$file
    echo "$file" >> inputs
    echo "${file%%.*}.o" >> objects
done < chosen

if test $count = 1; then
    clang %(flags)s -c "$only" -o "${only%%.*}.o"
elif test $count != 0; then
    # The flags of the front end are those that the driver would give it for one file.
    : > probe.c
    clang %(flags)s '-###' -c probe.c -o probe.o 2> probe || { cat probe >&2; exit 1; }
    eval "set -- $(grep '"-cc1"' probe)"
    while test "$1" != -cc1; do shift; done
    shift
    for word; do
        if test "$skip"; then skip=; continue; fi
        case $word in
        -main-file-name | -o | -x | -dumpdir) skip=1 ;;
        probe.c) ;;
        *) printf '%%s\n' "$word" ;;
        esac
    done | sed 's/[\\"]/\\&/g; s/.*/"&"/' > flags
    clang -cc1 @flags -x c @inputs
fi
"$root/"%(ar)s rcsD "$archive" @objects
"""

_CHOOSE_LISTED = """\
printf '%s\\n' "$@" > chosen
"""

_CHOOSE_MATCHING = """\
# The sources: those that the globs match, less those that an override replaces.
find . -type f | sed 's|^[.]/||' | sort > files
{ grep -E -f "$root/"%(include)s files || true; } | { grep -E -v -f "$root/"%(exclude)s || true; } > sources
test -s sources || { echo "no file of the tree matches tree_srcs" >&2; exit 1; }
%(override)s
awk "NR %% $groups == $group %% $groups" sources > chosen
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
    if attributes.tree_srcs and tree is None:
        raise ctx.error("tree_srcs", "`tree_srcs` needs a `source_tree`")
    lists: tuple[Artifact, ...] = ()
    choose = _CHOOSE_LISTED
    if tree is not None:
        lists = _glob_lists(ctx, sources)
        choose = _CHOOSE_MATCHING % {
            "include": lists[0].input_path,
            "exclude": lists[1].input_path,
            "override": _override(attributes.overrides),
        }
    name = ctx.label.name
    script = ctx.literal(
        f"{name}.batch/compile.sh",
        _SCRIPT
        % {
            "clang": shlex.join(ctx.tool("toolchain", "clang")),
            "ar": shlex.join(ctx.tool("toolchain", "ar")),
            "copy": _copy(ctx, sources, tree, compilation),
            "choose": choose,
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
                *(
                    (source.input_path for source in sources[group - 1 :: groups])
                    if not tree
                    else ()
                ),
            ],
            inputs=[
                *sources,
                *lists,
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


def _glob_lists(ctx: RuleContext[Any], sources: Sequence[Artifact]) -> tuple[Artifact, ...]:
    """Return the two files with the expressions of what ``tree_srcs`` takes and takes away.

    The package's own ``sources`` are among what is taken.
    """
    globs = ctx.attributes.tree_srcs
    include = [_expression(glob) for glob in globs if not glob.startswith("!")]
    include += [f"^{re.escape(source.input_path)}$" for source in sources]
    exclude = [_expression(glob[1:]) for glob in globs if glob.startswith("!")]
    name = ctx.label.name
    return (
        ctx.literal(f"{name}.batch/include", _lines(include or ["^$"])),
        ctx.literal(f"{name}.batch/exclude", _lines(exclude or ["^$"])),
    )


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
    if local:
        names = shlex.join(file.input_path for file in local)
        lines.append(f'cp --parents {names} "$work"')
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
