"""Laws of the wire: what goes in comes out, in each format, whatever the text."""

import json
from xml.etree import ElementTree

from hypothesis import given
from hypothesis import strategies as st

from segue.serve.subsonic import _wire


@given(st.text())
def test_any_text_survives_as_well_formed_xml_and_json(text: str) -> None:
    body = _wire.ok({"album": {"name": text, "genre": [{"value": text}], "song": [{"title": text, "isrc": [text]}]}})
    xml, _ = _wire.encode(body, "xml", None)
    root = ElementTree.fromstring(xml)
    readable = _wire._UNWRITABLE.sub("\ufffd", text)
    assert root[0].attrib["name"] == readable
    assert (root[0][0].text or "").replace("\r\n", "\n").replace("\r", "\n") == readable.replace("\r\n", "\n").replace("\r", "\n")
    out, _ = _wire.encode(body, "json", None)
    assert json.loads(out)["subsonic-response"]["album"]["name"] == _wire._SURROGATES.sub("\ufffd", text)


@given(st.text(max_size=80))
def test_a_callback_cannot_smuggle_code(text: str) -> None:
    if _wire.is_callback(text):
        assert text.isascii()
        assert not set(text) & set("()<>;\"'`{}[]\\/ \n")
