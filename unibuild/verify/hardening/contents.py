"""Rules on what the image carries: no way to debug or log into it, no interpreter, no secrets.

A secret that is found is named by where it is and what kind it is; its bytes are never shown.
"""

from __future__ import annotations

import re
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from unibuild.verify.hardening.rule import failed, passed, rule

if TYPE_CHECKING:
    from collections.abc import Iterator

    from unibuild.verify.hardening.evidence import Evidence
    from unibuild.verify.hardening.rule import Finding

_DEBUG_FILES = re.compile(
    r"(in\.)?(telnetd|rlogind|rshd|sshd|dropbear|gdbserver|strace|ltrace|tcpdump|core)(\.\d+)?"
)
_DEBUG_SYMBOLS = re.compile(
    r"(gdb_?stub|gdbserver|kgdb|telnetd|rlogind|sshd|dropbear)\w*|(gdb|telnet)_(server|listen)\w*"
)
_DEBUG_SECTIONS = (".debug", ".zdebug", ".stab")
_PASSWORD_FILES = re.compile(r"/etc/(passwd|shadow|master\.passwd|gshadow)")
_LOCKED = re.compile(r"x|\*.*|!.*")
_INTERPRETERS = re.compile(
    r"(r?bash|[akzt]?c?sh|dash|ksh93|mksh|fish|busybox|toybox|python[\d.]*|perl[\d.]*|ruby[\d.]*|"
    r"lua(jit)?[\d.]*|node(js)?|php[\d.]*|tclsh[\d.]*|wish|gawk|mawk|qjs|guile)"
)
_INTERPRETER_SYMBOLS = re.compile(
    r"luaL?_newstate|Py_Initialize\w*|PyRun_\w+|JS_NewRuntime\w*|duk_create_heap|mrb_open|ruby_init|"
    r"Tcl_CreateInterp|perl_(alloc|construct|parse)|zend_execute\w*|php_embed_init|scm_boot_guile|"
    r"(bash|ash|dash|hush|sh)_main"
)
_SECRETS: tuple[tuple[str, re.Pattern[bytes]], ...] = (
    ("a private key (PEM)", re.compile(rb"-----BEGIN (?:[A-Z0-9]+ ){0,3}PRIVATE KEY(?: BLOCK)?-----")),
    ("a private key (PuTTY)", re.compile(rb"PuTTY-User-Key-File-\d: ")),
    ("a private key (age)", re.compile(rb"AGE-SECRET-KEY-1[0-9A-Z]{58}")),
    # RFC 8410, 5208, 5915: PrivateKeyInfo of Ed25519 and Ed448, of RSA, and ECPrivateKey.
    ("a private key (DER)", re.compile(rb"0[.G]\x02\x01\x000\x05\x06\x03\x2be[pq]\x04")),
    ("a private key (DER)", re.compile(
        rb"0\x82..\x02\x01\x000\x0d\x06\x09\x2a\x86H\x86\xf7\x0d\x01\x01\x01\x05\x00\x04", re.DOTALL)),
    ("a private key (DER)", re.compile(rb"0[\x20-\xff]\x02\x01\x01\x04[\x20\x30\x42].{32}", re.DOTALL)),
    ("a cloud access key", re.compile(rb"\b(?:AKIA|ASIA)[0-9A-Z]{16}\b")),
    ("a cloud API key", re.compile(rb"\bAIza[0-9A-Za-z_\-]{35}\b")),
    ("an access token", re.compile(
        rb"\b(?:gh[pousr]_[0-9A-Za-z]{36}|github_pat_\w{60,}|glpat-[\w\-]{20}|xox[abprs]-[\w\-]{20,}|"
        rb"npm_[0-9A-Za-z]{36}|pypi-AgE[\w\-]{50,}|sk_live_[0-9A-Za-z]{24,})")),
    ("a signed token (JWT)", re.compile(
        rb"\beyJ[\w\-]{10,}\.eyJ[\w\-]{10,}\.[\w\-]{20,}")),
    # Not a place holder, as texts about URLs have them.
    ("a password in a URL", re.compile(
        rb"\b[a-z][a-z0-9+.\-]{1,20}://[^\s/:@\0]{1,64}:(?!(?:pass(?:word|wd)?|secret)@)"
        rb"[^\s/:@\0%<${]{3,128}@[\w.]")),
)  # fmt: skip
_SECRET_NAME = re.compile(
    r"(?i)(.*[_\-])?(password|passwd|passphrase|secret|token|api_?key|private_?key|credentials?)"
)


@rule("C24", "nothing left to debug or log in with", "base")
def no_debug(evidence: Evidence) -> Finding:
    """No debugger's stub, no remote login, no password, no debug information."""
    wrong = [f"symbol {one}" for one in evidence.linked.symbols if _DEBUG_SYMBOLS.fullmatch(one)]
    for path, content in evidence.files.items():
        if _DEBUG_FILES.fullmatch(PurePosixPath(path).name):
            wrong.append(f"file {path}")
        if _PASSWORD_FILES.fullmatch(path):
            wrong += [f"file {path}: user {user} can log in" for user in _logins(content)]
    wrong += [
        f"section {one.name} in the boot file"
        for one in evidence.boot.sections
        if one.name.startswith(_DEBUG_SECTIONS)
    ]
    if wrong:
        return failed("something is left to debug or log in with", *wrong)
    return passed("no debugger's stub, no remote login, no password, no debug information")


@rule("C25", "no shell and no interpreter", "base")
def no_interpreter(evidence: Evidence) -> Finding:
    """Whoever takes over the program finds nothing there that runs scripts."""
    wrong = [
        f"symbol {one}" for one in evidence.linked.symbols if _INTERPRETER_SYMBOLS.fullmatch(one)
    ]
    wrong += [
        f"file {path}"
        for path in evidence.files
        if _INTERPRETERS.fullmatch(PurePosixPath(path).name)
    ]
    if wrong:
        return failed("the image holds a shell or an interpreter", *wrong)
    return passed(
        f"none among {len(evidence.files)} files and {len(evidence.linked.symbols)} symbols"
    )


@rule("C26", "no secrets in the image", "base")
def no_secrets(evidence: Evidence) -> Finding:
    """No private key, token or password is in the file: an image is for everybody to look at."""
    wrong = [
        f"{words} in {_where(evidence, match.start(), match[0])}"
        for words, pattern in _SECRETS
        for match in pattern.finditer(evidence.boot.data)
    ]
    wrong += [
        f"environment variable {name}"
        for name, value in evidence.manifest["environment"].items()
        if value and _SECRET_NAME.fullmatch(name)
    ]
    wrong += [f"argument {name}" for name in _secret_options(evidence.manifest["arguments"])]
    if wrong:
        return failed("the image holds a secret", *wrong)
    return passed(f"{len(_SECRETS)} patterns match nothing in {len(evidence.boot.data)} bytes")


@rule("C27", "boot parameters are on a list", "strict")
def boot_parameters(evidence: Evidence) -> Finding:
    """Whoever starts the image can pass only what it allows.

    The kernel itself takes no parameters; the monitor's command line replaces the arguments of the
    program, which is what ``unibuild run … -- ARGUMENTS`` is for.
    """
    if evidence.has("ub_command_line_split"):
        return failed(
            "the monitor's command line replaces the program's arguments, whatever they are"
        )
    return passed("the image takes no command line")


def _logins(content: bytes) -> Iterator[str]:
    """The users of a password file that are not locked."""
    for line in content.decode("utf-8", "replace").splitlines():
        user, *rest = line.split(":")
        if rest and not line.startswith("#") and not _LOCKED.fullmatch(rest[0]):
            yield user


def _where(evidence: Evidence, offset: int, secret: bytes) -> str:
    for path, content in evidence.files.items():
        if secret in content:
            return path
    return f"the boot file at {offset:#x}"


def _secret_options(arguments: list[str]) -> Iterator[str]:
    """Options that give a secret: ``--password=…``, or ``--token`` and the word behind it."""
    for index, word in enumerate(arguments):
        name, equals, value = word.partition("=")
        if not name.startswith("-") or not _SECRET_NAME.fullmatch(name.lstrip("-")):
            continue
        following = arguments[index + 1] if index + 1 < len(arguments) else ""
        if value if equals else following and not following.startswith("-"):
            yield name
