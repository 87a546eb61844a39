from unibuild.analysis.api import Attributes, Provider, RuleContext, rule


@rule("genrule", Attributes, doc="Takes a name that is taken.")
def genrule(ctx: RuleContext[Attributes]) -> list[Provider]:
    """Make nothing."""
    return []
