"""Articles with what attackers write into each of their fields. Whoever shows one of them runs nothing."""

HOSTILE_TEXT = """<script>alert(1)</script>"'><img src=x onerror=alert(1)>"""
BODIES = (
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    "<svg onload=alert(1)><script>alert(1)</script></svg>",
    '<math><mtext><table><mglyph><style><!--</style><img title="--&gt;&lt;img src=1 onerror=alert(1)&gt;">',
    '<noscript><p title="</noscript><img src=x onerror=alert(1)>">',
    "<template><img src=x onerror=alert(1)></template>",
    '<a href="javascript:alert(1)">x</a> <a href="jAvA&#x0A;sCrIpT&colon;alert(1)">x</a>',
    '<a href="data:text/html,<script>alert(1)</script>">x</a>',
    '<iframe srcdoc="<script>alert(1)</script>"></iframe><object data="data:text/html,x"></object>',
    '<base href="https://evil.example/"><meta http-equiv=refresh content="0;url=https://evil.example">',
    '<p id="page" name="body" style="position:fixed" class="off-screen">x</p><form action="https://evil.example"></form>',
    "<details open ontoggle=alert(1)><summary onclick=alert(1)>x</summary></details>",
    "<video src=x onerror=alert(1)></video><audio autoplay onplay=alert(1)>",
    "<textarea><img src=x onerror=alert(1)></textarea><title><img src=x onerror=alert(1)></title>",
    "<!--><img src=x onerror=alert(1)>--><![CDATA[<img src=x onerror=alert(1)>]]>",
    "&lt;img src=x onerror=alert(1)&gt; &amp;lt;script&amp;gt;alert(1)&amp;lt;/script&amp;gt;",
    '<p title="&quot; onmouseover=alert(1) x=&quot;">q</p><abbr title="</abbr><script>alert(1)</script>">a</abbr>',
    '<q cite="javascript:alert(1)">q</q><blockquote cite="javascript:alert(1)">q</blockquote>',
    "<p lang='\" onclick=alert(1) '>l</p><p dir=javascript:alert(1)>d</p>",
    "<mark onclick=alert(1)>zzcanary</mark> &lt;mark&gt;zzcanary&lt;/mark&gt;",
    '<img src="http://192.0.2.1/x.png" alt="x"><img src="//192.0.2.1/x.png"><img srcset="x 1x" src="/v1">',
)


def make_hostile_articles() -> list[dict[str, object]]:
    """One for each body, as HTML and as Markdown, with hostile text in every other field; all have the word
    `zzcanary`."""
    return [
        {
            "title": f"zzcanary {kind} {at} {HOSTILE_TEXT}",
            "standfirst": f"zzcanary {HOSTILE_TEXT}",
            "body": {kind: f"zzcanary\n\n{body}\n\nzzcanary"},
            "status": "published",
            "dateline": HOSTILE_TEXT,
            "authors": [HOSTILE_TEXT],
            "tags": [{"name": HOSTILE_TEXT}],
            "images": [
                {"url": "https://192.0.2.1/x.png", "alt": HOSTILE_TEXT, "caption": HOSTILE_TEXT, "credit": HOSTILE_TEXT}
            ],
            "related": [{"title": HOSTILE_TEXT, "url": "https://192.0.2.1/x"}],
            "signature": HOSTILE_TEXT,
            "source": {"name": HOSTILE_TEXT, "url": "https://192.0.2.1/s"},
        }
        for kind in ("html", "markdown")
        for at, body in enumerate(BODIES)
    ]
