"""Go programs: static Linux executables from the sources of one module.

Three actions, and one more that lays out modules of others (``go_modules``). ``GoImports`` reads from the sources which packages of others they import; ``GoPackages``
compiles those (the standard library's, as a rule) into a build cache of Go's own form; ``GoBuild``
compiles the program's packages against that cache and links. So an edit compiles what was edited, and
only a new import compiles more of the standard library.

Nothing of the machine gets in: no C compiler, no network, no configuration file, no version control;
paths are trimmed and the build id is left empty. The cache's index has times in it, which are taken
out, so that its bytes are the same every time.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from unibuild.analysis.api import (
    DefaultInfo,
    MaterialInfo,
    Provider,
    RuleContext,
    RunInfo,
    ToolchainInfo,
    rule,
)

from .go_attributes import GoBinaryAttributes
from .go_modules import Modules, modules

if TYPE_CHECKING:
    from collections.abc import Sequence

    from unibuild.analysis.api import Artifact

_ENVIRONMENT = {
    "CGO_ENABLED": "0",
    "GO111MODULE": "on",
    "GOAMD64": "v1",
    "GOARCH": "amd64",
    "GOENV": "off",
    "GOFLAGS": "-trimpath -buildvcs=false -mod=readonly",
    "GOOS": "linux",
    "GOPATH": "/tmp/go",  # noqa: S108 - the sandbox's own, new for each action
    "GOPROXY": "off",
    "GOSUMDB": "off",
    "GOTELEMETRY": "off",
    "GOTOOLCHAIN": "local",
    "GOWORK": "off",
    "HOME": "/tmp",  # noqa: S108 - as above
}

# Runs Go without its remarks on modules that it takes from the folder beside it.
_QUIETLY = """\
quietly() {
    status=0
    "$go" "$@" 2> /tmp/said || status=$?
    grep -v '^go: downloading ' /tmp/said >&2 || :
    return $status
}
"""

# What the program's own packages import of others, each path once.
_IMPORTS = """\
cd "$1"
quietly list -deps -tags "$2" -f '{{if and .Module .Module.Main}}{{join .Imports "\\n"}}{{end}}' "$3" > /tmp/imported
quietly list -deps -tags "$2" -f '{{if and .Module .Module.Main}}{{.ImportPath}}{{end}}' "$3" > /tmp/own
sort -u /tmp/imported | grep -v -x -F -f /tmp/own | grep -v -x -e '' -e unsafe -e C > "$output" || test $? = 1
"""

# An entry of the index ends with the time at which it was made: 20 characters and a line feed. The
# date in trim.txt says that nothing is due to be tidied away.
_PACKAGES = """\
imports=$PWD/$2
cd "$1"
mkdir -p "$output"
date +%s > "$output/trim.txt"
export GOCACHE="$output"
test ! -s "$imports" || quietly build -tags "$3" $(cat "$imports")
rm -f "$output"/README "$output"/*.txt
find "$output" -name '*-a' -exec sed -i 's/.\\{20\\}$/                   1/' {} +
"""

# The cache is read where it is; what this build adds goes beside the links to it.
_BUILD = """\
cache=$PWD/$2
cd "$1"
export GOCACHE=/tmp/cache
cp -rs "$cache" /tmp/cache
quietly build -tags "$4" -ldflags "$5" -o "$output" "$3"
"""


@rule(
    "go_binary",
    GoBinaryAttributes,
    provides=(DefaultInfo, MaterialInfo, RunInfo),
    doc="Compiles a Go program into a static Linux executable, which `linux_binary` takes into an "
    "image. The sources are one module: `go.mod` is among them.",
    example="""\
[go_binary.server-program]
srcs = ["go.mod", "*.go"]
""",
)
def go_binary(ctx: RuleContext[GoBinaryAttributes]) -> list[Provider]:
    """Declare the three actions."""
    attributes = ctx.attributes
    sources = tuple(dict.fromkeys((*ctx.files("srcs"), *ctx.files("go_sum"))))
    module = [source for source in sources if source.path == ctx.path_in_package("go.mod")]
    if not module:
        raise ctx.error(
            "srcs",
            "a Go program is one module, and there is no `go.mod` among the sources",
            hint="add `go.mod`; `go mod init NAME` writes one",
        )
    sums = ctx.path_in_package("go.sum")
    if not attributes.go_sum and any(source.path == sums for source in sources):
        raise ctx.error(
            "srcs",
            "`go.sum` is a source like any other here, so that the modules in it are not pinned",
            hint='say `go_sum = "go.sum"`',
        )
    needed = modules(ctx)
    tags = ",".join(attributes.build_tags)
    folder = module[0].input_path.removesuffix("go.mod") or "."
    declared = (*module, *ctx.files("go_sum"))
    name = ctx.label.name
    imports = ctx.declare_file(f"{name}.go/imports")
    _run(ctx, "GoImports", _IMPORTS, (folder, tags, attributes.package), sources, needed, imports)
    packages = ctx.declare_tree(f"{name}.go/packages")
    _run(ctx, "GoPackages", _PACKAGES, (folder, imports, tags), declared, needed, packages)
    executable = ctx.declare_file(name, executable=True)
    flags = " ".join(
        ("-buildid=", *(() if attributes.debug else ("-s", "-w")), *attributes.link_flags)
    )
    words = (folder, packages, attributes.package, tags, flags)
    _run(ctx, "GoBuild", _BUILD, words, sources, needed, executable)
    materials = dict.fromkeys(
        (*ctx.materials("srcs"), *_toolchain(ctx).materials, *needed.materials)
    )
    return [
        DefaultInfo((executable,)),
        MaterialInfo(tuple(materials)),
        RunInfo("program", executable),
    ]


def _toolchain(ctx: RuleContext[GoBinaryAttributes]) -> ToolchainInfo:
    return ctx.dependency("toolchain", ToolchainInfo)


def _run(
    ctx: RuleContext[GoBinaryAttributes],
    mnemonic: str,
    script: str,
    words: tuple[str | Artifact, ...],
    inputs: Sequence[Artifact],
    needed: Modules,
    output: Artifact,
) -> None:
    """Declare an action that runs ``script`` with ``words`` as ``$1``, ``$2`` ….

    It knows ``$output`` as an absolute path and ``quietly``, which runs Go.
    """
    toolchain = _toolchain(ctx)
    shell = ctx.dependency("shell", ToolchainInfo)
    start = (
        f'PATH="$PWD/{shell.search_path}" GOROOT="$PWD/{toolchain.tree.input_path}"'
        ' go="$PWD/$1" output="$PWD/$2"; export PATH GOROOT; shift 2\n' + _QUIETLY
    )
    if needed.proxy is not None:
        inputs = [*inputs, needed.proxy]
        start += f'GOPROXY="file://$PWD/{needed.proxy.input_path}"; export GOPROXY\n'
    ctx.action(
        mnemonic,
        [
            *(*ctx.tool("shell", "sh"), "-e", "-o", "pipefail", "-c", start + script, "sh"),
            *ctx.tool("toolchain", "go"),
            output,
            *words,
        ],
        inputs=[*inputs, toolchain.tree, shell.tree],
        outputs=[output],
        environment=_ENVIRONMENT,
        description=f"{mnemonic} {ctx.label}",
    )
