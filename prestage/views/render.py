"""What `prestage render` wrote, for people and as JSON."""

from collections.abc import Mapping

from prestage.views.paper import good, plural, table, title, warn
from stacks.render.plan import Rendering


def rendering_document(rendering: Rendering, folder: str, *, changed: bool) -> Mapping[str, object]:
    """The result as one JSON document."""
    written = rendering.written
    return {
        "environment": rendering.environment,
        "engine": rendering.engine.value,
        "plan": rendering.plan,
        "folder": folder,
        "changed": changed,
        "resources": written.resources,
        "files": sorted(written.files),
        "unexpressed": [{"key": item.key, "type": item.type, "reason": item.reason} for item in written.unexpressed],
    }


def rendering_text(rendering: Rendering, folder: str, *, changed: bool) -> str:
    """The result for people."""
    written = rendering.written
    lines = [
        title(f"{rendering.environment} as {rendering.engine.value}", folder),
        table([(name, plural(text.count("\n"), "line")) for name, text in sorted(written.files.items())], right=[1]),
    ]
    if written.unexpressed:
        lines.append(warn(f"{plural(len(written.unexpressed), 'resource')} left out, with the reasons in README.md:"))
        lines.append(table([(item.key, item.type) for item in written.unexpressed]))
    said = f"{plural(written.resources, 'resource')} written" if changed else "nothing differs from what was there"
    return "\n".join([*lines, good(said)])
