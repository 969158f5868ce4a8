"""WordPress shortcodes (`[caption]`, `[gallery]` …) and bare addresses in a post's text, made into HTML. Pure.

Never takes away words: brackets that could be part of a sentence stay as they are, and so does code.
"""

import html
import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from app.importers.document import DocumentImage
from app.importers.formats.wordpress import readable_words

CODE = [
    "sourcecode",
    "code",
    "source",
    "crayon",
    "php",
    "javascript",
    "js",
    "html",
    "xml",
    "css",
    "java",
    "python",
    "py",
    "ruby",
    "perl",
    "sql",
    "bash",
    "shell",
    "csharp",
    "cpp",
    "pre",
    "plain",
    "highlight",
    "syntaxhighlighter",
    "cc_code",
    "codeblock",
    "vb",
    "actionscript",
    "as3",
    "scala",
    "text",
    "jscript",
    "cc",
    *(f"cc_{name}" for name in ("php", "js", "html", "css", "bash", "python", "java", "c", "cpp", "sql", "xml")),
    "c",
    "csharp",
    "json",
    "go",
    "powershell",
    "ps",
    "diff",
    "r",
    "matlab",
    "prism",
    "enlighter",
    "code_highlight",
]
"""Shortcodes in which everything is text, brackets and tags too."""
_BUILDERS = re.compile(
    r"(?:vc|et_pb|et|fusion|av|cs|mk|fl|su|themify|tatsu|nectar|ux|kc|elementor|siteorigin|ultimate|thrive|x|pb|wpb|lsvr)_"
    r"|(?:column|columns|tab|tabs|tabgroup|toggle|accordion|panel|one|two|three|four|half|third|quarter)"
    r"(?:[_-]|$)|text_?block|textbox|content_?box|container",
    re.IGNORECASE,
)
"""Shortcodes of page builders, of which each is a part of the page by itself."""
_VALUES = r"(?:\"[^\"]{0,1000}\"|'[^']{0,1000}'|[^\]\"'\[]++){0,100}+"
_TOKEN = re.compile(
    r"<(?P<code>pre|code|script|style|textarea)\b"
    # Of other plugins it marks words with a colour.
    r"|(?<!\[)\[(?!highlight\s[^\]]{0,300}?\b(?:colou?r|background|bg|style|class)\s*=)"
    rf"(?P<listing>{'|'.join(CODE)})(?P<about>(?:\s{_VALUES})?)\]"
    rf"|\[(?P<escape>\[)?(?P<close>/)?(?P<name>[A-Za-z][\w-]*)(?P<given>(?:[\s=/]{_VALUES})?)\](?(escape)\])"
    r"|^[ \t]*(?P<url>https?://[^\s<>\"]+)[ \t]*$",
    re.MULTILINE,
)
_PAIR = re.compile(r"(?<![\w-])([\w-]++)\s*+=\s*+(?:\"([^\"]*)\"|'([^']*)'|([^\s\"'/]+))")
_REFERENCES = re.compile(r"&(?:lt|gt|amp|quot|#0?39);")
_ADDRESS = re.compile(r"https?://[^\s\"'<>\]]+")
_CAPTION = re.compile(rf"\[caption\b({_VALUES})\]")
_LEADING = re.compile(r"\s*(?:<a\b[^>]*>\s*)?<img\b[^>]*>(?:\s*</a>)?")
_MEDIA = frozenset(
    [
        "audio",
        "video",
        "embed",
        "playlist",
        "youtube",
        "vimeo",
        "soundcloud",
        "wpvideo",
        "tweet",
        "facebook",
        "instagram",
    ]
)
_PLAYERS = {"youtube": "https://www.youtube.com/watch?v=", "vimeo": "https://vimeo.com/"}
_POSITIONAL = re.compile(r"(?<![=\"'\w])https?://[^\s\"'<>\]]+")
_PARTS = frozenset(("expand", "spoiler", "collapse", "button", "heading"))
_KNOWN = _MEDIA | {"caption", "wp_caption", "gallery"}


@dataclass(frozen=True, slots=True)
class MediaLibrary:
    """Pictures by the id of their attachment, and those that were uploaded to a post, by the post's id."""

    images: Mapping[str, DocumentImage] = field(default_factory=dict)
    uploaded: Mapping[str, Sequence[str]] = field(default_factory=dict)

    def list_gallery(self, attributes: Mapping[str, str], post: str) -> tuple[DocumentImage, ...]:
        """The pictures that `ids` names, in its order; without it those that belong to the post."""
        return tuple(self.images[id] for id in self.list_ids(attributes, post) if id in self.images)

    def list_ids(self, attributes: Mapping[str, str], post: str) -> Sequence[str]:
        """Their numbers, whether the pictures are known or not."""
        ids = re.findall(r"\d+", attributes.get("ids") or attributes.get("include") or "")
        return ids or self.uploaded.get(post, ())


@dataclass(slots=True)
class _OpenShortcode:
    """A shortcode that waits for its end, and what has come since it began."""

    name: str
    attributes_text: str
    is_within_line: bool = False
    is_ended: bool = False
    inside: list[str] = field(default_factory=list)
    ended: int = -1
    endless: set[str] = field(default_factory=set)
    """Of the outermost: where in the text a shortcode ended last, and code shortcodes that have no end any more."""


def render_shortcodes(text: str, library: MediaLibrary, post: str, note: Callable[[str], object]) -> str:
    """The text with shortcodes as HTML. Of unknown ones the text between their brackets stays; `note` is told."""
    if "[" not in text and "http" not in text:
        return text
    closings = Counter(match["name"] for match in _TOKEN.finditer(text) if match["close"])
    stack = [_OpenShortcode("", "")]
    position = 0
    while match := _TOKEN.search(text, position):
        stack[-1].inside.append(text[position : match.start()])
        position = match.end()
        if match["listing"]:
            position = _take_listing(text, match, position, stack)
        elif match["code"]:
            end = text.find(f"</{match['code']}>", position)
            position = end if end >= 0 else position
            stack[-1].inside.append(text[match.start() : position])
        elif match["url"]:
            stack[-1].inside.append(_render_link(match["url"]))
        else:
            _take_shortcode(match, closings, stack, lambda one: _render_shortcode(one, library, post, note))
    stack[-1].inside.append(text[position:])
    _close(stack, 1, lambda one: _render_shortcode(one, library, post, note))
    return "".join(stack[0].inside)


def _take_listing(text: str, match: re.Match[str], position: int, stack: list[_OpenShortcode]) -> int:
    """Code, as it stands between its brackets; without an end it is no shortcode. Returns where the text goes on."""
    inside, endless, name = stack[-1].inside, stack[0].endless, match["listing"]
    end = None if name in endless else re.compile(rf"\[/{name}\]", re.IGNORECASE).search(text, position)
    if end is None:
        endless.add(name)
        inside.append(match[0])
        return position
    code = text[position : end.start()].strip("\r\n")
    # Older editors kept some signs as references, others as they are.
    escaped = html.escape(html.unescape(code) if _REFERENCES.search(code) and "<" not in code else code, quote=False)
    is_within_line = "\n" not in code and text[max(0, match.start() - 1) : match.start()] not in ("", "\n", ">", "]")
    inside.append(f"<code>{escaped}</code>" if is_within_line else f"\n\n<pre><code>{escaped}</code></pre>\n\n")
    return end.end()


def _take_shortcode(
    match: re.Match[str], closings: Counter[str], stack: list[_OpenShortcode], show: Callable[[_OpenShortcode], str]
) -> None:
    name, attributes_text = match["name"], match["given"]
    if match["escape"]:
        stack[-1].inside.append(match[0][1:-1])
    elif match["close"]:
        closings[name] -= 1
        depth = next((at for at in range(len(stack) - 1, 0, -1) if stack[at].name == name), 0)
        if depth:
            _close(stack, depth, show)
            stack[0].ended = match.end()
        elif name not in _KNOWN:
            stack[-1].inside.append(match[0])
    elif closings[name] > 0 and not attributes_text.endswith("/") and len(stack) < 100:
        if stack[0].ended == match.start():  # two that hold text, with nothing between them, are two parts of a page
            stack[-1].inside.append("\n\n")
        stack.append(_OpenShortcode(name, attributes_text, _is_within_line(stack[-1]), is_ended=True))
    elif name in _KNOWN or _PAIR.search(attributes_text):
        stack[-1].inside.append(show(_OpenShortcode(name, attributes_text, _is_within_line(stack[-1]))))
    else:
        stack[-1].inside.append(match[0])


def _is_within_line(around: _OpenShortcode) -> bool:
    """Whether words stand right before, in the same line."""
    before = next((text for text in reversed(around.inside) if text), "\n")
    return before.rstrip(" \t")[-1:] not in ("", "\n", ">", "]")


def _close(stack: list[_OpenShortcode], depth: int, show: Callable[[_OpenShortcode], str]) -> None:
    """Ends the shortcode at that depth; those inside it that never ended have no inside of their own."""
    while len(stack) > depth + 1:
        unended = stack.pop()
        stack[-1].inside += [show(_OpenShortcode(unended.name, unended.attributes_text)), *unended.inside]
    if len(stack) > depth:
        ended = stack.pop()
        stack[-1].inside.append(show(ended))


def _render_shortcode(one: _OpenShortcode, library: MediaLibrary, post: str, note: Callable[[str], object]) -> str:
    inside = "".join(one.inside)
    attributes = {name.lower(): a or b or c for name, a, b, c in _PAIR.findall(one.attributes_text)}
    if one.name in ("caption", "wp_caption"):
        return _render_caption(inside, attributes.get("caption"))
    if one.name == "gallery":
        return _render_gallery(one, attributes, library, post, note)
    if one.name == "highlight":
        return f"<mark>{inside}</mark>"
    if one.name in _MEDIA:
        urls_found = dict.fromkeys(
            _ADDRESS.findall(f"{html.unescape(one.attributes_text)} {inside}")[:20]
        ) or _find_numbered(one, attributes)
        if not urls_found:
            note(f"shortcode [{one.name}{one.attributes_text[:80]}] removed")
        return "".join(map(_render_link, urls_found))
    note(f"shortcode [{one.name}] removed")
    is_part = _BUILDERS.match(one.name) is not None or one.name in _PARTS
    is_within_line = one.is_within_line and not is_part and "\n" not in inside
    shown = readable_words.render_attributes(
        one.name, attributes, inside, is_within_line=is_within_line, is_ended=one.is_ended
    )
    if shown.strip():
        return f"\n\n{shown.strip()}\n\n" if is_part else shown
    # What a shortcode shows from elsewhere, such as a map, stays a link to it.
    return inside or "".join(map(_render_link, dict.fromkeys(_POSITIONAL.findall(html.unescape(one.attributes_text)))))


def _render_gallery(
    one: _OpenShortcode,
    attributes: Mapping[str, str],
    library: MediaLibrary,
    post: str,
    note: Callable[[str], object],
) -> str:
    pictures = library.list_gallery(attributes, post)
    if len(pictures) < max(1, len(library.list_ids(attributes, post))):
        note(f"shortcode [{one.name}{one.attributes_text[:80]}]: pictures of it are not in the export, left out")
    return "\n\n".join(["", *map(render_figure, pictures), ""])


def _find_numbered(one: _OpenShortcode, attributes: Mapping[str, str]) -> list[str]:
    """The address of a film that is named by its number alone."""
    number = re.fullmatch(r"\s*=?\s*[\"']?([\w-]{5,20})[\"']?\s*/?", one.attributes_text)
    named = attributes.get("id") or attributes.get("v") or (number[1] if number else "")
    return [_PLAYERS[one.name] + named] if named and one.name in _PLAYERS else []


def _render_caption(inside: str, stated: str | None) -> str:
    picture = _LEADING.match(inside)
    if picture is None:
        return inside
    words = html.unescape(stated) if stated else inside[picture.end() :].strip()
    below = f"<figcaption>{words}</figcaption>" if words else ""
    return f"\n\n<figure>{picture[0].strip()}{below}</figure>\n\n"


_MARKDOWN_PICTURE = re.compile(r"\s*!\[([^\[\]]{0,1000})\]\(\s*<?([^\s()<>]+)>?(?:\s+\"[^\"]{0,1000}\")?\s*\)")


def render_captions(text: str) -> str:
    """Markdown with its `[caption]`s as figures, which exports of WordPress leave in it; nothing else is touched."""
    out: list[str] = []
    position = 0
    while (match := _CAPTION.search(text, position)) and (end := text.find("[/caption]", match.end())) >= 0:
        inside = text[match.end() : end]
        if picture := _MARKDOWN_PICTURE.match(inside):
            alt, source = html.escape(picture[1]), html.escape(picture[2])
            inside = f'<img src="{source}" alt="{alt}">{inside[picture.end() :]}'
        attributes = {name.lower(): a or b or c for name, a, b, c in _PAIR.findall(match[1])}
        out += [text[position : match.start()], _render_caption(inside.strip(), attributes.get("caption"))]
        position = end + len("[/caption]")
    return "".join([*out, text[position:]])


def render_figure(image: DocumentImage) -> str:
    """A picture with its caption and credit."""
    words = " ".join(part for part in (image.caption, image.credit) if part)
    caption = f"<figcaption>{html.escape(words, quote=False)}</figcaption>" if words else ""
    source, alt = html.escape(image.url), html.escape(image.alt or "")
    return f'<figure><img src="{source}" alt="{alt}">{caption}</figure>'


def _render_link(address: str) -> str:
    escaped = html.escape(html.unescape(address))
    return f'\n\n<p><a href="{escaped}">{escaped}</a></p>\n\n'
