"""Lays a profile over the file, and `--set` options over both. Mappings merge key by key; lists and levels replace."""

from collections.abc import Sequence

from ablate.errors import StudyError, unknown_name
from ablate.study.reading.nodes import Node, SourcePlace, parse, yaml_text

BASE = "base"
"""The name of a study file's plan without any profile."""


def profile_names(root: Node) -> list[str]:
    """Return the names of the profiles that the file defines."""
    profiles = root.child("profiles")
    names = profiles.value if profiles and isinstance(profiles.value, dict) else {}
    return [name for name in names if isinstance(name, str)]  # any other is a fault of the file's shape


def choose_profile(root: Node, requested: str | None, faults: dict[str, None]) -> str:
    """Return the requested profile, or the file's default, or BASE.

    StudyError if there is no such profile. A `default_profile` that does not exist is added to `faults`.
    """
    default, known = root.child("default_profile"), profile_names(root)
    written = default.value if default and isinstance(default.value, str) else None
    if requested is not None and requested != BASE and requested not in known:
        raise StudyError([f"--profile: {unknown_name('profile', requested, [*known, BASE])}"])
    if requested is None and default and written is not None and written not in (*known, BASE):
        faults[f"{default.place}: default_profile: {unknown_name('profile', written, [*known, BASE])}"] = None
        return BASE
    return requested or written or BASE


def overlay(root: Node, profile: str, settings: Sequence[str] = (), seeds: str | int | None = None) -> Node:
    """Return the file's tree with the values of the profile and then those of the options in place.

    `settings` are values of `--set`, and `seeds` is the value of `--seeds`; None if the option is missing.
    """
    profiles = root.child("profiles")
    over = profiles.child(profile) if profiles else None
    merged = with_runtime_on_top(root)
    if over and isinstance(over.value, dict):
        merged = merge(merged, with_runtime_on_top(over))
    for setting in settings:
        merged = merge(merged, with_runtime_on_top(_setting(setting, merged)))
    return merged if seeds is None else merge(merged, _seeds(seeds))


def primary_of_delta(root: Node, profile: str, merged: Node) -> tuple[bool, Node | None]:
    """Return whether `delta` was written for another `primary` than that of the merged tree, and for which.

    Both may be of the file, of the profile, or of an option. The one that is None is the trainer's first metric.
    """
    delta, primary = merged.child("delta"), merged.child("primary")
    layers = (root, overlay(root, profile)) if delta else ()
    found = next((layer.child("primary") for layer in layers if layer.child("delta") is delta), primary)
    return found is not primary, found


def typed_keys(settings: Sequence[str]) -> tuple[str, ...]:
    """Return the config keys that `--set` options set."""
    names = (setting.partition("=")[0].strip() for setting in settings)
    return tuple(name.removeprefix("config.") for name in names if name.startswith("config."))


def with_runtime_on_top(layer: Node) -> Node:
    """Return a layer with its `config.runtime`, the older place, moved to `runtime`; StudyError if it has both.

    Each layer is changed before it is merged, so that layers may write `runtime` in different places.
    """
    config, new = layer.child("config"), layer.child("runtime")
    old = config.child("runtime") if config else None
    if config is None or old is None:
        return layer
    if new is not None:
        raise StudyError([f"{old.place}: config.runtime: `runtime` is at top level too; write all its keys there"])
    rest = {name: value for name, value in config.value.items() if name != "runtime"}
    value = layer.value | {"config": Node(rest, config.place, config.keys), "runtime": old}
    return Node(value, layer.place, layer.keys | {"runtime": config.keys["runtime"]})


def merge(base: Node, over: Node, key: str = "") -> Node:
    """Return `over` laid over `base`. A mapping that is in both is merged key by key."""
    if not (isinstance(base.value, dict) and isinstance(over.value, dict)) or key == "levels":
        return over
    node = Node(dict(base.value), base.place, dict(base.keys))
    for name, value in over.value.items():
        old = node.value.get(name)
        node.value[name] = merge(old, value, name) if old is not None else value
        node.keys[name] = over.keys[name]
    return node


def _setting(setting: str, root: Node) -> Node:
    """Return `a.b=value` as the tree {a: {b: value}}. The place of every node is the option itself."""
    key, equals, text = setting.partition("=")
    source, name = "--set", key.strip()
    place = SourcePlace(source)
    parts = name.split(".")
    if not equals or not all(parts):
        fault = "with an empty key" if equals else "without '='"
        raise StudyError([f"--set: found {setting!r} {fault}; accepted: key=value, like config.schedule.steps=50"])
    if parts[0] in ("profiles", "default_profile"):
        raise StudyError([f"{source}: {name}: profiles are laid over the file before --set is; use --profile NAME"])
    _refuse_lists(root, parts, source)
    node = parse(text, source, numbered=False)
    for part in reversed(parts):
        node = Node({part: node}, place, {part: place})
    return node


def _seeds(seeds: str | int) -> Node:
    """Return the value of `--seeds` as the tree {seeds: value}. The place of every node is the option itself."""
    place = SourcePlace("--seeds")
    return Node({"seeds": parse(str(seeds), place.source, numbered=False)}, place, {"seeds": place})


def _refuse_lists(root: Node, parts: list[str], source: str) -> None:
    node: Node | None = root
    for depth, part in enumerate(parts):
        if node is not None and isinstance(node.value, list):
            path = ".".join(parts[:depth])
            value = yaml_text(node.plain())
            raise StudyError([f"{source}: {path} is a list, {value}; set the whole list: --set {path}=[...]"])
        node = node.child(part) if node is not None else None
