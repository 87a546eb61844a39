from unibuild.analysis.api import Attributes, Provider, RuleContext, rule


class GreetingAttributes(Attributes):
    """Nothing of its own."""


@rule("greeting", GreetingAttributes, doc="Greets.")
def greeting(ctx: RuleContext[GreetingAttributes]) -> list[Provider]:
    """Fail."""
    return [ctx.attributes.salutation]
