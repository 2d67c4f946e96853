"""Which names are one family, and which are one emoji."""

from types import ModuleType

import pytest

from ablate.retrieval.data.formats import emoji

FAMILIES = {
    "running": "man-running woman-running-dark-skin-tone person-running woman-running-facing-right-light-skin-tone "
    "person-running-facing-right-medium-light-skin-tone",
    "person": "man woman person boy girl child man-red-hair woman-medium-skin-tone-white-hair person-bald "
    "woman-beard man-dark-skin-tone-blond-hair child-light-skin-tone",
    "cook": "cook man-cook woman-cook-medium-dark-skin-tone",
    "kiss": "kiss kiss-man-man kiss-woman-man-dark-skin-tone-medium-light-skin-tone "
    "kiss-person-person-light-skin-tone-dark-skin-tone",
    "holding-hands": "woman-and-man-holding-hands men-holding-hands "
    "people-holding-hands-dark-skin-tone-light-skin-tone",
    "family": "family family-man-woman-girl-boy family-adult-adult-child",
    "merperson": "mermaid merman-light-skin-tone",
    "with-crown": "prince princess-dark-skin-tone person-with-crown",
    "older": "old-man old-woman older-person-medium-skin-tone",
    "claus": "santa-claus mrs-claus-dark-skin-tone mx-claus",
}
APART = ["kiss-mark", "gem-stone", "snowman", "old-key", "children-crossing", "mans-shoe", "lady-beetle", "man-running"]


@pytest.mark.parametrize("members", FAMILIES.values(), ids=FAMILIES)
def test_tones_genders_hair_and_direction_make_one_family(names: ModuleType, members: str) -> None:
    assert len({names.family(name) for name in members.split()}) == 1


def test_others_are_kept_apart(names: ModuleType) -> None:
    found = {names.family(name.split()[0]) for name in FAMILIES.values()} - {names.family("man-running")}
    assert len({names.family(name) for name in APART} | found) == len(APART) + len(found)


def test_shipped_families_and_sides_are_those_of_the_rule(names: ModuleType, items: list[emoji.EmojiItem]) -> None:
    for item in items:
        assert (item.family, item.split) == (names.family(item.name), names.split(item.family)), item.name


def test_aliases_give_the_commonest_name(names: ModuleType) -> None:
    drawn = {"a": {"bullseye"}, "b": {"bullseye"}, "c": {"direct-hit"}}
    assert names.canonical([("direct-hit", "bullseye")], drawn) == {"bullseye": "bullseye", "direct-hit": "bullseye"}


def test_an_alias_that_some_vendor_draws_apart_is_no_alias(names: ModuleType) -> None:
    drawn = {"a": {"cricket", "cricket-game"}, "b": {"cricket-game"}}
    assert names.canonical([("cricket", "cricket-game")], drawn) == {}
    chain = {"a": {"x", "z"}, "b": {"y"}}
    assert names.canonical([("x", "y"), ("y", "z")], chain) == {}


def test_an_item_needs_three_vendors_and_both_domains(names: ModuleType) -> None:
    drawn = {"s1": {"p", "q", "r"}, "s2": {"p", "q"}, "u1": {"p", "r"}, "s3": {"q"}}
    assert names.items(drawn, {"s1", "s2", "s3"}) == ["p"]
