"""What the docs say of the config is what the code has, and their links lead somewhere."""

import re
import subprocess
import sys

import pytest

from ablate.retrieval.config.augment import RandomErasing
from ablate.retrieval.config.evaluate import QueryExpansion, Rerank, Whitening
from ablate.study.config_keys import flattened
from ablate.study.reading.study_reader import read_study
from ablate.study.search_space.candidates import Candidates
from ablate.study.search_space.space import RangeDimension
from ablate.study.trials.identity import trials
from ablate.trainers.registry import TRAINERS
from tests.support.paths import ROOT

DOCS = ROOT / "docs"
REFERENCE = DOCS / "config.md"
PAGES = [ROOT / "README.md", *sorted(DOCS.rglob("*.md"))]
IDEAS = sorted((DOCS / "ideas").glob("*.md"))

SPAN = re.compile(r"`([^`\n]+)`")
DOTTED = re.compile(r"([a-z_]\w*(?:\.[a-z_]\w*)+)(?:: .*)?")  # a key, or a key with its value
FILE = re.compile(r".*\.(py|md|yaml|db)")
LINK = re.compile(r"\]\(([^)\s]+)\)")
SNIPPET = re.compile(r"^```yaml\n(study: .*?)^```", re.MULTILINE | re.DOTALL)


def text(path):
    return path.read_text(encoding="utf-8")


def prose(path):
    return re.sub(r"^```.*?^```", "", text(path), flags=re.MULTILINE | re.DOTALL)


def anchors(path):
    """The anchors that GitHub gives a page's headings."""
    headings = re.findall(r"^#+ (.+)$", prose(path), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def listed():
    """The keys that the reference lists: what stands first in a line of its tables."""
    return set(re.findall(r"^\| `([^`]+)`", text(REFERENCE), re.MULTILINE))


def each(pages):
    return pytest.mark.parametrize("page", pages, ids=[str(page.relative_to(ROOT)) for page in pages])


def test_the_config_reference_is_what_its_tool_prints():
    tool = [sys.executable, str(ROOT / "tools" / "config_reference.py")]
    printed = subprocess.run(tool, capture_output=True, check=True).stdout.decode("utf-8")
    assert text(REFERENCE) == printed, "python tools/config_reference.py > docs/config.md"


@pytest.mark.parametrize("trainer", TRAINERS)
def test_the_config_reference_lists_every_key(trainer):
    config = TRAINERS[trainer].config().model_dump()
    if trainer == "retrieval":
        config["augment"]["random_erasing"] = RandomErasing().model_dump()
        for name, section in (("whitening", Whitening), ("query_expansion", QueryExpansion), ("rerank", Rerank)):
            config["evaluate"][name] = section().model_dump()
    assert config.pop("runtime").keys() <= {key.removeprefix("runtime.") for key in listed()}
    assert flattened(config).keys() <= listed()


@each(IDEAS)
def test_ideas_name_keys_that_the_config_has(page):
    spans = SPAN.findall(prose(page))
    named = {found[1] for span in spans if not FILE.fullmatch(span) and (found := DOTTED.fullmatch(span))}
    assert named
    assert named <= listed()


@each(IDEAS)
def test_ideas_show_studies_that_can_be_read(page, tmp_path):
    snippets = SNIPPET.findall(text(page))
    assert snippets
    for snippet in snippets:
        path = tmp_path / "study.yaml"
        path.write_text(snippet, encoding="utf-8")
        study = read_study(path)
        for row in study.rows:
            TRAINERS[study.trainer].config.model_validate(study.row_config(row))


def test_the_page_on_study_files_shows_studies_that_can_be_read(tmp_path):
    snippets = SNIPPET.findall(text(DOCS / "study-files.md"))
    assert sum("search:" in snippet for snippet in snippets) == 1
    for snippet in snippets:
        path = tmp_path / "study.yaml"
        path.write_text(snippet, encoding="utf-8")
        study = read_study(path)
        assert trials(study)
        if study.search:
            candidates = Candidates(study)
            ends = {d.name: d.high if isinstance(d, RangeDimension) else d.values[-1] for d in study.search.dimensions}
            candidates.trial(ends, 0, "ends")


@each(PAGES)
def test_links_lead_to_files_and_headings_that_exist(page):
    for link in LINK.findall(prose(page)):
        if re.match(r"[a-z]+:", link):
            continue
        name, _, anchor = link.partition("#")
        target = page.parent / name if name else page
        assert target.exists(), link
        assert not anchor or anchor in anchors(target), link


def test_the_readme_shows_kept_outputs():
    tool = [sys.executable, str(ROOT / "tools" / "readme.py")]
    printed = subprocess.run(tool, capture_output=True, check=True, cwd=ROOT).stdout.decode("utf-8")
    assert text(ROOT / "README.md") == printed, "python tools/readme.py > README.new && mv README.new README.md"
    assert printed.count("<!-- kept: ") >= 4


@pytest.mark.slow
def test_the_kept_outputs_of_the_readme_are_printed_today(tmp_path):
    script = ROOT / "benchmarks" / "readme.py"
    subprocess.run([sys.executable, str(script), str(tmp_path)], capture_output=True, check=True, cwd=tmp_path)
    for file in tmp_path.glob("readme-*.txt"):
        assert text(file) == text(ROOT / "benchmarks" / "results" / file.name), "python benchmarks/readme.py"
    assert len(list(tmp_path.glob("readme-*.txt"))) == 2
