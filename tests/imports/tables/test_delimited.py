"""CSV and its relatives: delimiters, encodings, decimal commas, and lines that are no runs."""

import pytest

from ablate.errors import SourceError
from ablate.imports.source import Request
from ablate.imports.tables.formats import delimited as form
from ablate.imports.tables.formats import plain_csv
from ablate.imports.tables.formats.dialect import dialect
from ablate.imports.tables.formats.files import head_text
from ablate.imports.tables.table import reader
from tests.support.imports.table_texts import delimited, read_text

ROWS = [["norm", "layers", "seed", "acc"], ["batch", 2, 0, "0.91"], ["layer", 12, 1, "0.875"], ["batch", 2, 2, "0.5"]]


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_delimiters_ends_and_encodings_give_the_same_runs(tmp_path, delimiter, end, encoding) -> None:
    source = read_text(tmp_path, delimited(ROWS, delimiter, end).encode(encoding), "results.txt")
    assert source.runs.to_dict("list") == {
        "norm": ["batch", "layer", "batch"],
        "layers": [2, 12, 2],
        "seed": [0, 1, 2],
        "acc": [0.91, 0.875, 0.5],
    }
    assert list(source.places) == ["line 2", "line 3", "line 4"]
    assert reader.recognise(tmp_path / "results.txt")


def test_decimal_commas_and_thousands(tmp_path) -> None:
    source = read_text(tmp_path, "loss;params;acc\n0,25;1.234.567;93,5%\n1,5;25.000;88,25%\n")
    assert source.runs.to_dict("list") == {
        "loss": [0.25, 1.5],
        "params": [1234567, 25000],
        "acc": [0.935, 0.8825],
    }
    assert source.percent == {"acc"}


def test_a_quoted_comma_is_a_thousand_between_commas(tmp_path) -> None:
    source = read_text(tmp_path, 'params,layers,acc\n"1,234","[64, 32]",0.5\n"12,000","[64]",0.75\n')
    assert source.runs["params"].tolist() == [1234, 12000]
    assert source.runs["layers"].tolist() == ["[64, 32]", "[64]"]


def test_lines_that_are_no_runs_are_left_out_with_a_sentence(tmp_path) -> None:
    text = "# made by hand\nrun,acc,loss\nRun 1,0.5,1\nRun 2,0.7,3\n,,\nMean,0.6,2\nStandard deviation,0.141,1.41\n"
    source = read_text(tmp_path, f"{text}Source: us\n")
    assert source.runs["acc"].tolist() == [0.5, 0.7]
    assert source.runs["loss"].tolist() == [1, 3]
    left_out = " / ".join(source.unused)
    for part in (
        "line 1: above",
        "line 5: blank",
        "line 6, Mean: a summary",
        "line 7, Standard",
        "line 8: 'Source: us'",
    ):
        assert part in left_out


def test_levels_named_as_statistics_are_runs(tmp_path) -> None:
    source = read_text(tmp_path, "pool,acc\nattention,0.91\nmax,0.90\nmean,0.70\n")
    assert source.runs["pool"].tolist() == ["attention", "max", "mean"]


def test_a_mean_below_names_is_left_out_if_it_is_their_mean(tmp_path) -> None:
    source = read_text(tmp_path, "data,acc\nCIFAR,0.90\nSVHN,0.70\nMean,0.80\n")
    assert source.runs["data"].tolist() == ["CIFAR", "SVHN"]


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("m;acc\na;0,5\nb;0,75\nmean;0,625\n", [0.5, 0.75]),
        ("m;acc\na;0,5\nb;0,75\nmean;0,5\n", [0.5, 0.75, 0.5]),
        ("m,seed,acc\na,0,1.5\na,1,2.5\na,mean,2\nb,0,3\nb,1,4\nb,mean,3.5\n", [1.5, 2.5, 3, 4]),
        ("fold,acc\n1,1.5\n2,2.5\nmean ± std,2.0 ± 0.7\n", [1.5, 2.5]),
        ("m,acc\na,1.5\nm,acc\nb,2.5\n", [1.5, 2.5]),
    ],
)
def test_summaries_and_headings_that_stand_again_are_left_out(tmp_path, text, values) -> None:
    assert read_text(tmp_path, text).runs["acc"].tolist() == values


def test_many_summaries_have_one_sentence(tmp_path) -> None:
    lines = [["m", "seed", "acc"]]
    for at in range(50):
        lines += [[f"a{at}", "0", "1"], [f"a{at}", "1", "2"], [f"a{at}", "mean", "1.5"]]
    source = read_text(tmp_path, delimited(lines))
    assert len(source.runs) == 100
    assert source.unused == ["lines 4, 7, 10 and 47 more: summaries of the lines above"]


def test_missing_cells_and_text_among_numbers(tmp_path) -> None:
    source = read_text(tmp_path, "a,b,c,d\n1,-,None,OOM\n2,0.5,relu,0.5\n3,N/A,gelu,0.25\n")
    assert source.runs["b"].isna().tolist() == [True, False, True]
    assert source.runs["c"].tolist() == ["None", "relu", "gelu"]
    assert source.runs["d"].isna().tolist() == [True, False, False]
    assert any("'OOM'" in sentence for sentence in source.unused)


def test_a_level_that_is_true_or_false_is_a_truth(tmp_path) -> None:
    assert read_text(tmp_path, "bias,acc\nTrue,1\nfalse,2\n").runs["bias"].tolist() == [True, False]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "the file is empty"),
        ("\n\n", "the file is empty"),
        ("a,b\n", "no line below the headings"),
        ("a,b,a\n1,2,3\n", "the heading 'a' occurs 2 times"),
        ("a,b,c\n1,2,3\n1,2\n1,2,3,4\n", "line 3 has 2 cells, but there are 3 headings"),
        ("a,b,c\n1,2,3\n1,2\n1,2,3,4\n", "line 4 has 4 cells"),
        ('a,b\n1,"2\n3,4\n', "line 2: a double quote is opened here and never closed"),
        ('a,b\n1,"2"3\n', "line 2: text follows a closing double quote"),
        ("a,b\n1,2\n1,\0\n", "line 3 has a NUL"),
        ("a,b\n1,2\n1,\xff\n".encode("latin-1"), "no text in UTF-8"),
        ("a,,c\n1,2,3\n", "column 2 has values but no heading"),
        (b"PK\x03\x04" + bytes(100), "zip archive"),
        (b"\x1f\x8b" + bytes(100), "gzip archive"),
        (bytes(range(256)) * 20, "results.csv"),
        (",".join(f"c{at}" for at in range(1_000_000)) + "\n1\n", "1,000,000 columns"),
        ("a,b\n1," + "x" * 10_000_000 + "\n", "more than 131,072 characters"),
        ("a" * 20_000_000, "more than"),
        ("0.1,0.5\n0.2,0.6\n", "the first line has numbers, no headings"),
        ("a" + " " * 100_000 + "b,c\n1,2\n", "at most 500 are read"),
        ("acc,b\n98%,1\n97,2\n", "'97' has no percent sign"),
    ],
)
def test_a_hostile_file_is_a_fault(tmp_path, text, message) -> None:
    with pytest.raises(SourceError) as caught:
        read_text(tmp_path, text)
    assert message in str(caught.value)
    assert all("results.csv" in line or line.startswith(("put", "and")) for line in str(caught.value).splitlines())


@pytest.mark.parametrize(
    "text",
    [
        "# baseline 1\n\nloss: softmax\n\naccuracy:\n\n    - top-1\n      0.24\n",
        "epoch 1, loss 0.5\nepoch 2, loss 0.4\n",
        "Dear all, these are words, and\nmore words, and others\n",
        '{"run-1": {"acc": 0.5}}',
        "lr: 0.1\nseed: 3\n",
        "",
        "\0\1\2",
    ],
)
def test_other_texts_are_no_tables(tmp_path, text) -> None:
    path = tmp_path / "log.txt"
    path.write_text(text, encoding="utf-8")
    assert reader.recognise(path) == ""


def test_the_quick_way_gives_the_same_columns(tmp_path, monkeypatch) -> None:
    lines = [["lr", "norm", "seed", "acc", "note", "bias"]]
    for at in range(300):
        acc = ["nan", "", f"{at / 7:.6f}"][min(at, 2)]
        lines.append(
            [0.1, "None" if at % 2 else "layer", "" if at == 5 else at, acc, at if at % 3 else "x1", at % 2 == 0]
        )
    path = tmp_path / "results.csv"
    path.write_text(delimited(lines), encoding="utf-8")
    found = dialect(head_text(path))
    assert found is not None
    quick = plain_csv.read(path, found, least_bytes=0)
    assert quick is not None
    careful = read_text(tmp_path, delimited(lines)).runs
    monkeypatch.setattr(form.plain_csv, "read", lambda path, found: quick)
    runs = reader.read(path, Request()).runs
    assert runs.equals(careful)
    assert runs.dtypes.equals(careful.dtypes)


@pytest.mark.parametrize("text", ["a,b\n1\n1,2,3\n", 'a,b\n1,"2"\n', "a,b\n1,2\n\n3,4\n", "# c\na,b\n1,2\n"])
def test_the_quick_way_leaves_unusual_files_to_the_careful_one(tmp_path, text) -> None:
    path = tmp_path / "results.csv"
    path.write_text(text, encoding="utf-8")
    found = dialect(text)
    assert found is not None
    assert plain_csv.read(path, found, least_bytes=0) is None
