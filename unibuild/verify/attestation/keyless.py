"""Signing without a key of one's own, by sigstore: an identity that a service vouches for signs.

sigstore is an optional extra (``unibuild[sigstore]``). It talks to public services for a certificate and
for the transparency log, so it needs a network and, in CI, an identity token of the runner. The result is
sigstore's bundle, which holds a DSSE envelope with the certificate beside it; its own tools verify it.
"""

from __future__ import annotations

from unibuild.model.errors import HostError


def bundle(statement: bytes) -> str:
    """Return the JSON of a sigstore bundle over a canonical statement, signed by the ambient identity.

    Raises ``HostError`` when the extra is absent, no identity is there, or a service cannot be reached.
    """
    try:
        from sigstore import dsse, oidc
        from sigstore.models import ClientTrustConfig
        from sigstore.sign import SigningContext
    except ImportError as error:
        raise HostError(
            id="no-sigstore",
            cause="signing without a key needs the Python package sigstore, which is not installed",
            hint="install unibuild[sigstore], or sign with a key: --key FILE, --key-variable NAME",
        ) from error
    try:
        token = oidc.detect_credential()
        if token:
            context = SigningContext.from_trust_config(ClientTrustConfig.production())
            with context.signer(oidc.IdentityToken(token)) as signer:
                return str(signer.sign_dsse(dsse.Statement(statement)).to_json())
    except Exception as error:  # a chain of network services can fail with anything
        raise _failed(str(error).strip() or type(error).__name__) from error
    raise _failed("there is no identity here: no token of a CI service was found")


def _failed(why: str) -> HostError:
    return HostError(
        id="keyless-signing-failed",
        cause=f"sigstore cannot sign: {why}",
        hint="give the CI job an identity token (id-token: write), or sign with a key",
    )
