"""One Markdown on every channel: lines, bold, lists, links, and nothing of ordinary words read as markup."""

import re
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from bot.channels.markup import WORD_JOINER, plain_to_telegram, to_html, to_telegram, to_text, to_whatsapp
from tests.test_splitting import faults

ROOT = Path(__file__).parent.parent
ESCAPED = re.compile(r"[!-/:-@\[-`{-~]")
"""Every sign of ASCII: a backslash before it makes it an ordinary one in Markdown."""
WHATSAPP_MARK = re.compile(r"(?<![^\s\W_])([*_~`])(?=[^\s\u2060])[^\n]*?(?<=[^\s\u2060])\1(?![^\s\W_])")
"""A pair of signs that WhatsApp may take for a mark, read as widely as its help page allows."""

CASES = [
    ("One *two* **three** `four`.", "One <i>two</i> <b>three</b> <code>four</code>.", "One _two_ *three* four."),
    ("One\ntwo  \nthree\n\nfour", "One two\nthree\n\nfour", "One two\nthree\n\nfour"),
    ("### Head\n\nText", "<b>Head</b>\n\nText", "*Head*\n\nText"),
    ("# A **b** c", "<b>A b c</b>", "*A b c*"),
    ("**a *b* c**", "<b>a <i>b</i> c</b>", "*a _b_ c*"),
    ("**a  \nb**", "<b>a</b>\n<b>b</b>", "*a*\n*b*"),
    ("- a\n- b\n\nc", "• a\n• b\n\nc", "- a\n- b\n\nc"),
    ("3. a\n4. b", "3. a\n4. b", "3. a\n4. b"),
    ("- a\n  1. b\n  2. c\n- d", "• a\n  1. b\n  2. c\n• d", "- a\n  1. b\n  2. c\n- d"),
    ("- a\n\n- b\n\nc", "• a\n• b\n\nc", "- a\n- b\n\nc"),
    ("> a\n>\n> b\n\nc", "<blockquote>a\n\nb</blockquote>\n\nc", "> a\n\n> b\n\nc"),
    ("> a\n> > b `c`", "<blockquote>a\n\nb c</blockquote>", "> a\n\n> b c"),
    ("```\na <b>\nc\n```", "<code>a &lt;b&gt;\nc</code>", "a <b>\nc"),
    ("<b>x</b> & \"y\" 'z'", "&lt;b&gt;x&lt;/b&gt; &amp; &quot;y&quot; 'z'", "<b>x</b> & \"y\" 'z'"),
    (
        "[the page](https://x.org/?a=1&b=2)",
        '<a href="https://x.org/?a=1&amp;b=2">the page</a>',
        "the page (https://x.org/?a=1&b=2)",
    ),
    ("<https://x.org/_a_>", '<a href="https://x.org/_a_">https://x.org/_a_</a>', "https://x.org/_a_"),
    ("[0800 1111](tel:08001111)", "0800 1111", "0800 1111"),
    ("[Childline](tel:08001111)", "Childline (08001111)", "Childline (08001111)"),
    ("[write](mailto:a@b.org)", "write (a@b.org)", "write (a@b.org)"),
    ("[here](http://x.org) [there](/y)", "here there", "here there"),
    ("[x](javascript:alert)", "[x](javascript:alert)", "[x](javascript:alert)"),
    ("![x](https://x.org/p.png)", '!<a href="https://x.org/p.png">x</a>', "!x (https://x.org/p.png)"),
    ("", "", ""),
]


@pytest.mark.parametrize(("markdown", "telegram", "whatsapp"), CASES)
def test_markdown_as_each_messenger_writes_it(markdown: str, telegram: str, whatsapp: str) -> None:
    assert to_telegram(markdown) == telegram
    assert to_whatsapp(markdown) == whatsapp


@pytest.mark.parametrize(
    ("markdown", "text"),
    [
        ("# A\n\nb **c**\nd  \ne", "A\n\nb c d\ne"),
        ("- a\n- b\n\n2. c\n3. d", "- a\n- b\n\n2. c\n3. d"),
        ("- a\n  - b\n- c", "- a\n  - b\n- c"),
        ("[w](https://x.org) <https://y.org> [m](mailto:a@b.c)", "w (https://x.org) https://y.org m (a@b.c)"),
        ("> a `b`\n\n    code", "a b\n\ncode"),
    ],
)
def test_markdown_as_plain_text(markdown: str, text: str) -> None:
    assert to_text(markdown) == text


def test_markdown_as_html() -> None:
    assert to_html("## A\n\n- *b*\n- [c](https://x.org)\n\n#### D  \n") == (
        '<h3>A</h3><ul><li><em>b</em></li><li><a href="https://x.org" target="_blank" rel="noopener noreferrer">c</a>'
        "</li></ul><h4>D</h4>"
    )


def test_a_sign_in_ordinary_words_is_kept_apart_only_where_it_could_be_a_mark() -> None:
    for sign in "*_~`":
        apart = WORD_JOINER + sign + WORD_JOINER
        assert to_whatsapp(rf"\{sign}a\{sign} b") == f"{apart}a{apart} b"
    assert to_whatsapp(r"2 \* 3, a\_b, https://x.org/\_a\_") == "2 * 3, a_b, https://x.org/_a_"


@given(st.text("ab *_~`>.\n(&<é😀", max_size=60))
@example("*a*")
def test_no_pair_of_signs_in_ordinary_words_is_a_whatsapp_mark(words: str) -> None:
    typed = " ".join(words.split())
    out = to_whatsapp(ESCAPED.sub(r"\\\g<0>", typed))
    assert WHATSAPP_MARK.search(out) is None
    assert out.replace(WORD_JOINER, "") == typed


@pytest.mark.parametrize("text", ["*a*", "say _a b_.", "(~a~)", "`a`", "a *b*, c"])
def test_the_check_sees_a_whatsapp_mark(text: str) -> None:
    assert WHATSAPP_MARK.search(text)


@given(st.text(max_size=200))
def test_whatever_is_written_telegram_takes_it(markdown: str) -> None:
    html = to_telegram(markdown)
    assert [fault for fault in faults(html, 10_000) if fault != "empty"] == []


@pytest.mark.parametrize("page", sorted((ROOT / "content").rglob("*.md")), ids=lambda page: page.stem)
def test_every_shipped_page_is_fit_for_both_messengers(page: Path) -> None:
    markdown = page.read_text().split("---", 2)[2]
    assert faults(to_telegram(markdown), 10_000) == []
    assert WORD_JOINER not in to_whatsapp(markdown)
    assert "**" not in to_whatsapp(markdown)


def test_a_persons_words_are_only_escaped() -> None:
    assert plain_to_telegram("**a** <b>\n& \"c\" 'd'") == "**a** &lt;b&gt;\n&amp; &quot;c&quot; 'd'"
