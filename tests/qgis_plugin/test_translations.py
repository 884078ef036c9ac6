"""Translations: complete, with the placeholders of the source, and no longer than fits a narrow panel."""

from __future__ import annotations

import importlib.util
import re

import pytest

from tests.qgis_plugin.conftest import PLUGIN

_SPEC = importlib.util.spec_from_file_location("update_ts", PLUGIN / "update_ts.py")
update_ts = importlib.util.module_from_spec(_SPEC)
_SPEC.loader.exec_module(update_ts)

LANGUAGES = update_ts.LANGUAGES


@pytest.mark.parametrize("language", LANGUAGES)
def test_nothing_is_missing(language):
    assert update_ts.problems(language) == []
    path = update_ts.language_file(language)
    assert path.read_text("utf-8") == update_ts.content(language, update_ts.translations(path)), "run update_ts.py"
    assert path.with_suffix(".qm").is_file()


@pytest.mark.parametrize("language", LANGUAGES)
def test_placeholders_can_be_filled(language):
    """A broken placeholder would raise in the middle of a run."""
    for text, translated in update_ts.translations(update_ts.language_file(language)).items():
        fields = {match.group(1): 1 for match in re.finditer(r"\{(\w+)[^{}]*\}", text)}
        if fields:
            translated.format(**fields)


@pytest.mark.parametrize("language", LANGUAGES)
def test_short_texts_stay_short(language):
    """Labels and buttons: at most 15 characters longer, or twice as long, as the English."""
    for text, translated in update_ts.translations(update_ts.language_file(language)).items():
        if len(text) <= 20:
            assert len(translated) <= max(2 * len(text), len(text) + 15), (text, translated)


def test_what_is_new_is_noticed(monkeypatch):
    real = update_ts.messages()
    monkeypatch.setattr(update_ts, "messages", lambda: {**real, "A new text": [("dock.py", 1)]})
    assert update_ts.problems("de") == ["de: not translated: 'A new text'"]
    path = update_ts.language_file("de")
    text = update_ts.content("de", update_ts.translations(path))
    assert text.count('type="unfinished"') == 1
    with pytest.raises(SystemExit, match="behind the source"):
        update_ts.check()


def test_other_placeholders_are_noticed(monkeypatch):
    known = update_ts.translations(update_ts.language_file("de"))
    broken = {**known, "Done: {folder}": "Fertig: {ordner}"}
    monkeypatch.setattr(update_ts, "translations", lambda _: broken)
    assert len(update_ts.problems("de")) == 1
