"""Shapes of HTML and Markdown that grow with a number, and every view of a body, for tests of depth and of time."""

from collections.abc import Callable, Mapping

from app.articles.html import bodies, nesting_depth, to_markdown
from app.articles.render import body_views, version_diff
from app.enrich import near_duplicates
from app.search.highlighting import highlight

Shape = Callable[[int], str]

_VOID = ("br", "col", "hr", "img", "wbr")
_AROUND = {
    "td": "<table><tr>{}</tr></table>",
    "th": "<table><tr>{}</tr></table>",
    "tr": "<table>{}</table>",
    "tbody": "<table>{}</table>",
    "thead": "<table>{}</table>",
    "tfoot": "<table>{}</table>",
    "col": "<table>{}</table>",
    "caption": "<table>{}</table>",
    "colgroup": "<table>{}</table>",
    "li": "<ul>{}</ul>",
    "dt": "<dl>{}</dl>",
    "dd": "<dl>{}</dl>",
    "summary": "<details>{}</details>",
    "figcaption": "<figure>{}</figure>",
    "rt": "<ruby>{}</ruby>",
    "rp": "<ruby>{}</ruby>",
}
"""Where elements stand that stand in nothing else."""


def _nest(name: str) -> Shape:
    return lambda n: f"<{name}>" * n + "words of it" + f"</{name}>" * n


def _leave_open(name: str) -> Shape:
    return lambda n: f"<{name}>words" * n


def _siblings(name: str, around: str = "{}") -> Shape:
    one = f"<{name}>" if name in _VOID else f"<{name}>some words</{name}>"
    return lambda n: around.format(one * n)


def _mix(one: str, before: str = "", behind: str = "") -> Shape:
    return lambda n: before + one * n + behind


NESTED: Mapping[str, Shape] = (
    {f"{name} in itself": _nest(name) for name in sorted(bodies.TAGS - {*_VOID})}
    | {f"{name} without end": _leave_open(name) for name in sorted(bodies.TAGS - {*_VOID})}
    | {
        f"{name} without end": _mix(name)
        for name in (
            "<table><tr><td>",
            "<ul><li>",
            "<ol><li><p>",
            "<dl><dd>",
            "<blockquote><p>",
            "<div><p>",
            "<b><p>",
            "<b><i><p>",
            "<a href='https://a.example'>",
            "<font>",
            "<font color=red><p>",
            "<span>",
            "<details><summary>s</summary>",
            "<table><caption>",
            "<table><tr><th><ul><li>",
            "<div><table>",
            "<figure><figcaption>",
            "<q><cite>",
            "<form><div>",
            "<button><div>",
            "<object><p>",
            "<svg><g>",
            "<math><mi>",
            "<select><option>",
            "<my-part>",
            "<p><b x={0}>",
        )
    }
)
"""Elements within elements, closed and not."""
WIDE: Mapping[str, Shape] = (
    {f"{name} beside {name}": _siblings(name) for name in sorted(bodies.TAGS)}
    | {f"{name} beside {name}, in its place": _siblings(name, around) for name, around in _AROUND.items()}
    | {
        f"{one} again and again": _mix(one, before, behind)
        for before, one, behind in (
            ("<table>", "<p>fostered</p>", ""),
            ("<table>", "text <br>", ""),
            ("", "<table>text<tr><td>c</table>", ""),
            ("<table><tr>", "x<td>c", ""),
            ("<table>", "<b>x", ""),
            ("", "<b><p>x</b>", ""),
            ("", "<p><b>x</p>", ""),
            ("", "<a href='https://a.example'>x", ""),
            ("", "<b>1<i>2</b>3</i>", ""),
            ("", "<b><div>x</b></div>", ""),
            ("", "<script>x</script>", ""),
            ("", "<!-- c -->", ""),
            ("", "<p>x<!-- c --></p>", ""),
            ("", "<svg>x</svg>", ""),
            ("", "<span>x</span>", ""),
            ("<p>", "<my-part>x</my-part> ", ""),
            ("", "<select><option>x", ""),
            ("", "<p>word</p>\n", ""),
            ("", "&amp; ", ""),
            ("", "<p>a &amp; b</p>", ""),
            ("", "< ", ""),
            ("", "</p>", ""),
            ("", "<p", ""),
            ("<p ", "a='1' ", ">x"),
            ("", '<a b="', ""),
            ("", "<!--", ""),
            ("", "</ ", ""),
            ("<ul>", "<li>x", ""),
            ("<ul><li>", "<p>x</p>", "</li></ul>"),
            ("<pre>", "x\n", "</pre>"),
            ("<p>", "<code>a`b</code>", "</p>"),
            ("<table><tr><td>", "<ul><li>x</li></ul>", "</table>"),
            ("", "<h1>x</h1>", ""),
            ("<p>", "*x* ", "</p>"),
            ("<p>", "<q cite='javascript:x'>y</q>", "</p>"),
            ("<title>", "x", ""),
            ("", "<template>x</template>", ""),
        )
    }
)
"""Elements and texts beside one another."""
MARKDOWN: Mapping[str, Shape] = {
    f"{one!r} in Markdown": _mix(one, before, behind)
    for before, one, behind in (
        ("", "word\n\n", ""),
        ("", "[", ""),
        ("", "![", ""),
        ("", "[a](", ""),
        ("", "[a](<b", ""),
        ("", "]", ""),
        ("", "*a ", ""),
        ("", "**x* ", ""),
        ("", "*_", ""),
        ("", "`a``", ""),
        ("", '<a b="', ""),
        ("", "a <!-- b", ""),
        ("", "<http:", ""),
        ("", "&amp;", ""),
        ("", "> a\n", ""),
        ("", "- a\n", ""),
        ("", "- a\n\n", ""),
        ("|a|b|\n|-|-|\n", "|c|d|\n", ""),
        ("", "[a]: /x\n", ""),
        ("", "[a\n", ""),
        ("", "    a\n", ""),
        ("", "```\na\n", ""),
        ("", "~~a ", ""),
        ("", ">", "a"),
    )
}


def _fragments(body: str) -> object:
    expected = highlight.Marks(frozenset({"word"}), ("so",), (((0, "some"), (1, "word")),))
    return highlight.find_fragments(bodies.to_text(body), "en", expected)


VIEWS: Mapping[str, Callable[[str], object]] = {
    "text": bodies.to_text,
    "blocks": bodies.blocks,
    "markdown": to_markdown.from_html,
    "shown": body_views.render_body,
    "words": lambda body: bodies.count_words(bodies.to_text(body)),
    "highlights": _fragments,
    "likeness": lambda body: near_duplicates.keys(near_duplicates.words(bodies.to_text(body))),
    "difference": lambda body: version_diff.compare_paragraphs(body, body + "<p>more</p>"),
}
GIVEN: Mapping[str, Callable[[str], object]] = {
    "sanitised": lambda content: bodies.to_html("html", content),
    "removed": lambda content: bodies.list_removed("html", content),
    "flattened": nesting_depth.flatten,
}
"""What is done with HTML as it was sent."""
