"""cfn-lint over rendered templates: errors, warnings and hints, each as a line."""

from cfnlint.api import lint
from cfnlint.config import ManualArgs


def findings(template):
    """What cfn-lint says of a template in its own region, hints included."""
    matches = lint(template.text(), config=ManualArgs(regions=[template.location]))
    return [
        f"{template.name} {match.rule.id} {'/'.join(map(str, match.path or ()))}: {match.message}" for match in matches
    ]
