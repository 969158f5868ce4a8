"""Formulas in MathML, of which the markup says what is a power and what a fraction."""

import time

import pytest

from app.articles.html import bodies, formulas
from app.importers import prepare
from app.importers.document import Document, DocumentBody

HALF = "<mfrac><mn>1</mn><mn>2</mn></mfrac>"
POWER = "<msup><mi></mi><mn>6</mn></msup>"


@pytest.mark.parametrize(
    ("formula", "text"),
    [
        (f"10<math>{POWER}</math> litres", "10^6 litres"),
        (f"10<mml:math>{POWER.replace('<m', '<mml:m').replace('</m', '</mml:m')}</mml:math> litres", "10^6 litres"),
        (f"<math>{HALF}</math> a tonne", "1/2 a tonne"),
        (f"2<math>{HALF}</math>cups", "2 1/2 cups"),
        (f"<math><mn>2</mn>{HALF}</math>", "2 1/2"),
        ("<math><mfrac><mrow><mi>a</mi><mo>+</mo><mi>b</mi></mrow><mi>c</mi></mfrac></math>", "(a+b)/c"),
        ("<math><mfrac linethickness='0'><mi>n</mi><mi>k</mi></mfrac></math>", "(n; k)"),
        ("<math><msup><mi>x</mi><mrow><mo>−</mo><mn>6</mn></mrow></msup></math>", "x^−6"),
        ("<math><msub><mi>H</mi><mn>2</mn></msub><mi>O</mi></math>", "H_2 O"),
        ("<math><msup><mrow><mo>(</mo><mi>a</mi><mo>)</mo></mrow><mn>2</mn></msup></math>", "(a)^2"),
        ("20<math><msup><mi/><mo>∘</mo></msup></math>C", "20°C"),
        ("<math><msqrt><mi>x</mi><mo>+</mo><mn>1</mn></msqrt></math>", "√(x+1)"),
        ("<math><mi>a</mi><mo>&lt;</mo><mi>b</mi></math>", "a<b"),
        ("<math alttext='a; b'><mtable><mtr><mtd>a</mtd></mtr><mtr><mtd>b</mtd></mtr></mtable></math>", "a; b"),
        ("<math><mtable><mtr><mtd>a</mtd><mtd>b</mtd></mtr></mtable></math>", "[a, b]"),
        (
            "<math><semantics><msup><mi>c</mi><mn>2</mn></msup>"
            "<annotation encoding='application/x-tex'>c^{2}</annotation></semantics></math>",
            "c^2",
        ),
        (
            '<span class="katex"><span class="katex-mathml"><math><msup><mi>c</mi><mn>2</mn></msup></math></span>'
            '<span class="katex-html" aria-hidden="true"><span>c</span>2</span></span> holds',
            "c^2 holds",
        ),
        ("I<math><mtext> love </mtext></math>you", "I love you"),
        ("<math><mtext>If </mtext></math>(so)<math><mtext> x </mtext></math>.", "If (so) x."),
    ],
)
def test_a_formula_says_what_it_said(formula: str, text: str) -> None:
    assert bodies.to_text(bodies.to_html("html", f"<p>{formula}</p>")) == text


KATEX = '<span class="katex"><math><mi>c</mi></math><span class="katex-html">c'


@pytest.mark.parametrize(
    ("content", "text"),
    [
        (f"<p>{KATEX}</p><p>All of the rest.</p>", "cc\n\nAll of the rest."),
        (f"<p>{KATEX} and more words", "cc and more words"),
        (f"<p>{KATEX} and <math>{HALF}</math> of it</p>", "cc and 1/2 of it"),
        (
            f'<p>{KATEX}</span></span> and <span class="katex"><span class="katex-html">x+y</span></span></p>',
            "c and x+y",
        ),
        (f'<p><math>{HALF}</math> and <span class="katex-html">x+y</span></p>', "1/2 and x+y"),
        (f"<p>As <math><annotation>y<p>One half is <math>{HALF}</math>.</p>", "As\n\nOne half is 1/2."),
    ],
)
def test_only_what_draws_a_formula_once_more_is_hidden(content: str, text: str) -> None:
    assert bodies.to_text(bodies.to_html("html", content)) == text


@pytest.mark.parametrize(
    ("formula", "written"),
    [
        ('<math><mrow><a href="https://w.example/?a=1&amp;b"><mi>x</mi></a></mrow></math>', '?a=1&amp;b">x</a>'),
        ('<math><msup><mi href="https://w.example/">x</mi><mn>2</mn></msup></math>', 'w.example/">x</a>^2'),
        ('<math><mi>x</mi> see <a href="https://w.example/">this</a>', 'x see <a href="https://w.example/">this</a>'),
        ('<math/> see <a href="https://w.example/">this</a>', 'see <a href="https://w.example/">this</a>'),
        ('<a href="https://w.example/">f <math><mi>x</mi></a> and', 'w.example/">f x</a> and'),
        ('<math alttext="a"><a href="https://w.example/"><mtable/>b</a></math>', 'w.example/">a</a>'),
    ],
)
def test_links_of_a_formula_are_kept(formula: str, written: str) -> None:
    assert written in bodies.to_html("html", f"<p>{formula}</p>").replace(' rel="noopener noreferrer"', "")


def test_ends_among_many_annotations_take_linear_time() -> None:
    content = "<math>" + "<annotation>" * 50_000 + "</script>" * 50_000
    began = time.process_time()
    formulas.write_formulas(content)
    assert time.process_time() - began < 3


def test_a_formula_that_nobody_ended_takes_no_paragraph_with_it() -> None:
    body = bodies.to_html("html", "<p>As <math><mi>y</mi><p>One half is <math>" + HALF + "</math>.</p>")
    assert bodies.to_text(body) == "As y\n\nOne half is 1/2."


def test_what_was_done_with_a_formula_is_said() -> None:
    body = DocumentBody("html", f"<p>One <math>{HALF}</math></p>")
    assert prepare.convert_body(Document("p", body=body))[1] == ("removed from the body: math (written as text)",)
    assert bodies.list_removed("html", body.content) == ["math (written as text)"]


@pytest.mark.parametrize("shape", ["<mrow>", "<math>1", "<math><msup>", "<math></p>", "<annotation>"])
def test_formulas_take_linear_time(shape: str) -> None:
    bodies.to_html("html", "<math>" + shape * 50_000)
