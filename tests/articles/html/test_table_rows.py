"""Tables of Markdown whose rows have more cells than their head; numbers of lists."""

import pytest

from app.articles.html import bodies

HEAD = "| a | b |\n|---|---|\n"


@pytest.mark.parametrize(
    ("rows", "words"),
    [
        ("| 1 | 2 | 3 | four |", ["1 | 2 | 3 | four"]),
        ("| `x|y` | either of two |", ["x|y | either of two"]),
        ("| `x\\|y` | either of two |", ["x|y | either of two"]),
        ("| `x|y` | two | three |", ["x|y | two | three"]),
        ("| ` | 2 |", ["` | 2"]),
        ("| 1 |\n| 2 \\| 3 | 4 |\n5 | 6 | 7", ["1 |", "2 | 3 | 4", "5 | 6 | 7"]),
        ("| [a](https://a.example/) | *b* | **c** |", ["a | b | c"]),
    ],
)
@pytest.mark.parametrize("prefix", ["", "> "])
def test_every_cell_of_a_row_is_kept(rows: str, words: list[str], prefix: str) -> None:
    source = "".join(f"{prefix}{line}\n" for line in (HEAD + rows).splitlines())
    text = bodies.to_text(bodies.to_html("markdown", source))
    assert [line.strip() for line in text.splitlines()[1:]] == words


def test_many_cells_take_linear_time() -> None:
    bodies.to_html("markdown", HEAD + "| `a|b` | c | d |\n" * 5_000 + "|`" * 50_000)


def test_an_item_keeps_its_number() -> None:
    assert bodies.to_html("html", '<ol><li value="7">x</li></ol>') == '<ol><li value="7">x</li></ol>'
