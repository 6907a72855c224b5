"""Long words in messages that fit: cut where a reader would pause, nothing lost, no tag, entity or emoji cut in two."""

import re
from html import unescape

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from bot.channels.markup import to_telegram
from bot.channels.splitting import pieces, telegram_pieces, utf16_units

FAMILY = "👨‍👩‍👧‍👦"
THUMB = "👍🏽"
WALES = "🏴󠁧󠁢󠁷󠁬󠁳󠁿"
FLAG = "🇬🇧"
MARKS = re.compile(r"<(/?)([a-z]+)[^<>]*>")
TELEGRAM_TAGS = {"b", "i", "a", "code", "blockquote"}

texts = st.text(
    st.one_of(st.sampled_from(" \n.ab*_<>&é"), st.sampled_from([*"👨\u200d👩🏽🇬🇧"]), st.characters(codec="utf-8")),
    max_size=300,
)
markdowns = st.lists(
    st.sampled_from(
        [
            "# Head",
            "**bold & more**",
            "*a*",
            "- item",
            "1. first",
            "> said <so>",
            "[w](https://x.org/?a=1&b=2)",
            "`c&d`",
            "\n\n",
        ]
    )
    | st.text("abc <&>.\n", max_size=60),
    max_size=12,
).map("\n".join)


def bare(text: str) -> str:
    return "".join(text.split())


def seen(html: str) -> str:
    return unescape(MARKS.sub("", html))


def faults(html: str, limit: int) -> list[str]:
    """What Telegram would refuse in one message."""
    found, open_tags = [], []
    for end, name in MARKS.findall(html):
        if name not in TELEGRAM_TAGS:
            found.append(f"unknown tag {name}")
        elif not end:
            open_tags.append(name)
        elif not open_tags or open_tags.pop() != name:
            found.append(f"{name} closed, not open")
    found += [f"{name} left open" for name in open_tags]
    rest = MARKS.sub("", html)
    if re.search(r"[<>\"]|&(?!(?:amp|lt|gt|quot);)", rest):
        found.append("a sign that is not escaped")
    if utf16_units(seen(html)) > limit:
        found.append("too long")
    if not seen(html).strip():
        found.append("empty")
    return found


@given(texts, st.integers(1, 60))
@example("", 5)
@example(" \n ", 5)
def test_every_piece_fits_and_only_white_space_is_lost(text: str, limit: int) -> None:
    found = pieces(text, limit)
    assert all(piece and len(piece) <= limit for piece in found)
    assert bare("".join(found)) == bare(text)


@given(texts, st.integers(2, 60))
def test_a_piece_fits_by_whatever_measure_the_channel_has(text: str, limit: int) -> None:
    found = pieces(text, limit, utf16_units)
    assert all(utf16_units(piece) <= limit for piece in found)
    assert bare("".join(found)) == bare(text)


@given(markdowns, st.integers(2, 80))
def test_every_telegram_piece_is_whole_html_that_fits_and_only_white_space_is_lost(markdown: str, limit: int) -> None:
    html = to_telegram(markdown)
    found = telegram_pieces(html, limit)
    assert [fault for piece in found for fault in faults(piece, limit)] == []
    assert bare(seen("".join(found))) == bare(seen(html))


@pytest.mark.parametrize(
    ("html", "fault"),
    [
        ("<b>a", "b left open"),
        ("a</i>", "i closed, not open"),
        ("<b><i>a</b></i>", "b closed, not open"),
        ("<u>a</u>", "unknown tag u"),
        ("a &am", "a sign that is not escaped"),
        ("a &nbsp;", "a sign that is not escaped"),
        ("a <", "a sign that is not escaped"),
        ("x" * 21, "too long"),
        ("😀" * 11, "too long"),
        ("<b> </b>", "empty"),
    ],
)
def test_the_check_sees_what_telegram_would_refuse(html: str, fault: str) -> None:
    assert fault in faults(html, 20)
    assert faults("<b>fine &amp; whole</b>", 20) == []


def test_what_fits_stays_one_piece_as_it_was() -> None:
    assert pieces("One.\n\nTwo.", 20) == ["One.\n\nTwo."]
    html = '<b>A</b> &amp; <a href="https://x.org/?a=1&amp;b=2">b <i>c</i></a>\n\n<blockquote>d</blockquote>'
    assert telegram_pieces(html) == [html]


@pytest.mark.parametrize(
    ("text", "limit", "expected"),
    [
        ("aa bb. cc\n\ndd ee. ff", 14, ["aa bb. cc", "dd ee. ff"]),
        ("aa bb. cc\ndd ee. ff", 14, ["aa bb. cc", "dd ee. ff"]),
        ("aaa bbb cc. dd ee ff gg", 16, ["aaa bbb cc.", "dd ee ff gg"]),
        ("aaaa bbbb cccc", 10, ["aaaa bbbb", "cccc"]),
        ("aaaaaaaaaaaa", 5, ["aaaaa", "aaaaa", "aa"]),
    ],
    ids=["paragraph", "line", "sentence", "word", "character"],
)
def test_the_best_pause_there_is_is_taken(text: str, limit: int, expected: list[str]) -> None:
    assert pieces(text, limit) == expected


def test_a_short_paragraph_stands_alone_only_where_that_costs_no_message_more() -> None:
    short, fills_one, fills_more = "Title", "word " * 15, "word " * 20
    assert pieces(f"{short}\n\n{fills_one}", 80) == [short, fills_one.strip()]
    assert pieces(f"{short}\n\n{fills_more}", 80) == ["Title\n\n" + ("word " * 14).strip(), ("word " * 6).strip()]


@pytest.mark.parametrize("whole", [FAMILY, THUMB, WALES, FLAG, "e\u0301", "🏳️‍🌈"])
def test_what_is_seen_as_one_character_is_not_cut(whole: str) -> None:
    text = whole * 9
    for limit in range(len(whole), 2 * len(whole) + 1):
        found = pieces(text, limit)
        assert all(set(piece.split(whole)) == {""} for piece in found), (limit, found)
    cut_by_count = [text[at : at + len(whole) + 1] for at in range(0, len(text), len(whole) + 1)]
    assert not all(set(piece.split(whole)) == {""} for piece in cut_by_count)


def test_what_cannot_be_kept_whole_is_cut_all_the_same() -> None:
    assert "".join(pieces(FAMILY, 3)) == FAMILY
    assert pieces("😀😀", 1, utf16_units) == ["😀", "😀"]


def test_tags_are_closed_at_the_cut_and_opened_again() -> None:
    html = '<b>one <i>two</i></b> <a href="https://x.org">three four</a>'
    assert telegram_pieces(html, 13) == [
        '<b>one <i>two</i></b> <a href="https://x.org">three</a>',
        '<a href="https://x.org">four</a>',
    ]
    assert telegram_pieces("<blockquote>aaaa\n\nbbbb</blockquote>", 5) == [
        "<blockquote>aaaa</blockquote>",
        "<blockquote>bbbb</blockquote>",
    ]


def test_only_what_is_seen_counts() -> None:
    assert telegram_pieces("&amp;" * 10, 10) == ["&amp;" * 10]
    assert telegram_pieces("&amp;" * 11, 10) == ["&amp;" * 10, "&amp;"]
    assert len(telegram_pieces("😀" * 2048)) == 1
    assert len(telegram_pieces("😀" * 2049)) == 2


def test_tags_that_do_not_match_come_out_whole() -> None:
    assert telegram_pieces("<b>a</i> b") == ["<b>a b</b>"]
