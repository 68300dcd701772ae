from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from toolcell_server.workflows import templates
from toolcell_server.workflows.problems import NotFilled, Problem

VALUES = {"a": {"b": [1, 2]}, "text": "word", "none": None, "yes": True, "q": "}}"}


def filled(value: Any) -> Any:
    problems: list[Problem] = []
    parsed = templates.parsed(value, "", problems)
    assert [] == problems
    return templates.filled(parsed, VALUES)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("{{a.b}}", [1, 2]),
        ("{{ a.b[0] }}", 1),
        ("{{none}}", None),
        ("{{yes}}", True),
        ("{{missing}}", None),
        ("x{{a.b[0]}}", "x1"),
        ("{{text}}{{text}}", "wordword"),
        ("is {{yes}}, {{none}}, {{a}}", 'is true, , {"b":[1,2]}'),
        ("{{{x: {y: text}}}}", {"x": {"y": "word"}}),
        ("{{'}}'}}", "}}"),
        ("{{'{{'}}", "{{"),
        ("{{'it\\'s'}} {{text}}", "it's word"),
        ('{{`{"a": 1}`}}', {"a": 1}),
        ("no { braces } }}", "no { braces } }}"),
        ({"k{{x}}": ["{{text}}", 1, {"n": "{{a.b}}"}]}, {"k{{x}}": ["word", 1, {"n": [1, 2]}]}),
    ],
)
def test_a_template_gives(text: Any, value: Any) -> None:
    assert value == filled(text)


@pytest.mark.parametrize(
    "text", ["{{", "{{a", "x {{a} }", "{{}}", "{{a.}}", "{{'a}}", "{{ {a: b }}"]
)
def test_what_is_no_template_is_told_with_its_place(text: str) -> None:
    problems: list[Problem] = []
    templates.parsed({"list": [1, text]}, "/steps/0/arguments", problems)

    assert ["/steps/0/arguments/list/1"] == [each.path for each in problems]


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(),
        lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
        max_leaves=8,
    )
)
def test_a_whole_template_keeps_the_value_as_it_is(value: Any) -> None:
    """
    What a tool returned never becomes a template, whatever is in it.
    """
    parsed = templates.parsed("{{v}}", "", [])

    assert value == templates.filled(parsed, {"v": value})
    assert json.dumps(value) == json.dumps(templates.filled([parsed], {"v": value})[0])


def test_what_is_filled_in_is_bounded_together() -> None:
    parsed = templates.parsed(["{{v}}"] * 100, "", [])
    with pytest.raises(NotFilled) as refused:
        templates.filled(parsed, {"v": "x" * 2**18})

    assert "TOO_LARGE" == refused.value.code


def test_what_templates_cost_is_bounded_together() -> None:
    """
    Each of them is cheap enough; all principals' templates are evaluated by one thread.
    """
    parsed = templates.parsed({str(n): "{{sum(v)}}" for n in range(100)}, "", [])
    with pytest.raises(NotFilled) as refused:
        templates.filled(parsed, {"v": list(range(10_000))})

    assert "EXPRESSION_TOO_COSTLY" == refused.value.code
