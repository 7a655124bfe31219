"""hOCR and ALTO: whole, valid, and with boxes that lie inside one another.

No package of PyPI, npm or Debian ships a schema of ALTO 4 (looked for in November 2026), and the only validator of hOCR
there (hocr-spec 0.2.0, of 2020) is no longer kept: its one complaint about our output is a test below. So the rules
here are those parts of the two specifications that are used, written down by hand from ALTO 4.4 and hOCR 1.2.
"""

import re
import tempfile
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lxml import etree

from dropscribe.core.pages import Block
from dropscribe.formats import plain
from dropscribe.formats.registry import renderer
from dropscribe.formats.words import areas
from support.results import numbered, odd_page, page_text, reading_of

XHTML = "{http://www.w3.org/1999/xhtml}"
ALTO = "{http://www.loc.gov/standards/alto/ns-v4#}"
LINE = Block("text", 'Tom & "Jerry" <3', (10.2, 20, 210, 40), 0.934)
FIGURE = Block("image", "", (50, 100, 150, 200))

# The part of ALTO 4.4 that is used here: order of elements, required attributes and types, as its schema has them.
ALTO_RULES = """
<xsd:schema xmlns:xsd="http://www.w3.org/2001/XMLSchema" xmlns="http://www.loc.gov/standards/alto/ns-v4#"
    targetNamespace="http://www.loc.gov/standards/alto/ns-v4#" elementFormDefault="qualified">
  <xsd:attributeGroup name="place">
    <xsd:attribute name="HPOS" type="xsd:float"/><xsd:attribute name="VPOS" type="xsd:float"/>
    <xsd:attribute name="WIDTH" type="xsd:float"/><xsd:attribute name="HEIGHT" type="xsd:float"/>
  </xsd:attributeGroup>
  <xsd:simpleType name="wc"><xsd:restriction base="xsd:float">
    <xsd:minInclusive value="0"/><xsd:maxInclusive value="1"/></xsd:restriction></xsd:simpleType>
  <xsd:simpleType name="running"><xsd:restriction base="xsd:string"><xsd:enumeration value="ltr"/>
    <xsd:enumeration value="rtl"/><xsd:enumeration value="ttb"/><xsd:enumeration value="btt"/>
    </xsd:restriction></xsd:simpleType>
  <xsd:simpleType name="moment">
    <xsd:union memberTypes="xsd:date xsd:dateTime xsd:gYear xsd:gYearMonth"/></xsd:simpleType>
  <xsd:element name="alto"><xsd:complexType><xsd:sequence>
    <xsd:element name="Description"><xsd:complexType><xsd:sequence>
      <xsd:element name="MeasurementUnit" type="xsd:token" fixed="pixel"/>
      <xsd:element name="sourceImageInformation"><xsd:complexType><xsd:sequence>
        <xsd:element name="fileName" type="xsd:string"/></xsd:sequence></xsd:complexType></xsd:element>
      <xsd:element name="Processing"><xsd:complexType><xsd:sequence>
        <xsd:element name="processingCategory" fixed="contentGeneration" type="xsd:string"/>
        <xsd:element name="processingDateTime" type="moment" minOccurs="0"/>
        <xsd:element name="processingStepSettings" type="xsd:string" minOccurs="0"/>
        <xsd:element name="processingSoftware"><xsd:complexType><xsd:sequence>
          <xsd:element name="softwareName" type="xsd:string"/><xsd:element name="softwareVersion" type="xsd:string"/>
        </xsd:sequence></xsd:complexType></xsd:element>
      </xsd:sequence><xsd:attribute name="ID" type="xsd:ID" use="required"/></xsd:complexType></xsd:element>
    </xsd:sequence></xsd:complexType></xsd:element>
    <xsd:element name="Layout"><xsd:complexType><xsd:sequence>
      <xsd:element name="Page" maxOccurs="unbounded"><xsd:complexType><xsd:sequence>
        <xsd:element name="PrintSpace"><xsd:complexType>
          <xsd:choice minOccurs="0" maxOccurs="unbounded">
            <xsd:element name="TextBlock"><xsd:complexType><xsd:sequence minOccurs="0">
              <xsd:element name="TextLine" maxOccurs="unbounded"><xsd:complexType>
                <xsd:sequence maxOccurs="unbounded">
                  <xsd:element name="String"><xsd:complexType>
                    <xsd:attribute name="ID" type="xsd:ID"/><xsd:attributeGroup ref="place"/>
                    <xsd:attribute name="CONTENT" type="xsd:string" use="required"/>
                    <xsd:attribute name="WC" type="wc"/></xsd:complexType></xsd:element>
                  <xsd:element name="SP" minOccurs="0"><xsd:complexType>
                    <xsd:attributeGroup ref="place"/></xsd:complexType></xsd:element>
                </xsd:sequence>
                <xsd:attribute name="ID" type="xsd:ID"/><xsd:attributeGroup ref="place"/>
                <xsd:attribute name="BASEDIRECTION" type="running"/></xsd:complexType></xsd:element>
            </xsd:sequence><xsd:attribute name="ID" type="xsd:ID" use="required"/><xsd:attributeGroup ref="place"/>
            </xsd:complexType></xsd:element>
            <xsd:element name="Illustration"><xsd:complexType><xsd:attribute name="ID" type="xsd:ID" use="required"/>
              <xsd:attributeGroup ref="place"/></xsd:complexType></xsd:element>
            <xsd:element name="GraphicalElement"><xsd:complexType>
              <xsd:attribute name="ID" type="xsd:ID" use="required"/>
              <xsd:attributeGroup ref="place"/></xsd:complexType></xsd:element>
          </xsd:choice><xsd:attributeGroup ref="place"/></xsd:complexType></xsd:element>
      </xsd:sequence>
      <xsd:attribute name="ID" type="xsd:ID" use="required"/>
      <xsd:attribute name="PHYSICAL_IMG_NR" type="xsd:float" use="required"/>
      <xsd:attribute name="WIDTH" type="xsd:float"/><xsd:attribute name="HEIGHT" type="xsd:float"/>
      <xsd:attribute name="PROCESSINGREFS" type="xsd:IDREFS"/></xsd:complexType></xsd:element>
    </xsd:sequence></xsd:complexType></xsd:element>
  </xsd:sequence><xsd:attribute name="SCHEMAVERSION" type="xsd:string"/></xsd:complexType></xsd:element>
</xsd:schema>
"""
ALTO_SCHEMA = etree.XMLSchema(etree.fromstring(ALTO_RULES))


def tree(format_name, reading):
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "out")
        renderer(format_name)(reading, str(path))
        return etree.parse(str(path), etree.XMLParser(load_dtd=False, no_network=True)).getroot()


def bbox(element):
    return tuple(map(int, re.search(r"bbox (\d+) (\d+) (\d+) (\d+)", element.get("title")).groups()))


def place(element):
    x, y, wide, high = (int(element.get(key)) for key in ("HPOS", "VPOS", "WIDTH", "HEIGHT"))
    return x, y, x + wide, y + high


def lies_within(inner, outer):
    return outer[0] <= inner[0] < inner[2] <= outer[2] and outer[1] <= inner[1] < inner[3] <= outer[3]


def of_class(root, name):
    return [e for e in root.iter() if e.get("class") == name]


@pytest.fixture
def hocr():
    return tree("hocr", reading_of([page_text(1, blocks=[LINE, FIGURE]), page_text(2, "free text")], name='a "b".png'))


@pytest.fixture
def alto():
    return tree("alto", reading_of([page_text(1, blocks=[LINE, FIGURE]), page_text(2, "free text")], name="a <b>.png"))


def test_hocr_pages_carry_their_size_image_and_number_from_nought(hocr):
    assert [page.get("title") for page in of_class(hocr, "ocr_page")] == [
        "image \"a 'b'.png\"; bbox 0 0 400 300; ppageno 0",
        "image \"a 'b'.png\"; bbox 0 0 400 300; ppageno 1",
    ]


def test_hocr_names_its_system_and_every_class_it_uses(hocr):
    told = {meta.get("name"): meta.get("content") for meta in hocr.iter(XHTML + "meta")}
    used = {e.get("class") for e in hocr.iter() if e.get("class")}

    assert told["ocr-system"].startswith("dropscribe ")
    assert used | {"ocrp_dir"} == set(told["ocr-capabilities"].split())
    assert all(told[f"ocr-{what}"] == "unknown" for what in ("langs", "scripts"))


def test_hocr_words_have_their_text_box_and_confidence(hocr):
    words = of_class(of_class(hocr, "ocr_line")[0], "ocrx_word")

    assert [word.text for word in words] == ["Tom", "&", '"Jerry"', "<3"]
    assert all(word.get("title").endswith("; x_wconf 93") for word in words)
    assert bbox(words[0])[0] == 10
    assert bbox(words[-1])[2] == 210


def test_hocr_words_without_confidence_claim_none(hocr):
    assert all("x_wconf" not in word.get("title") for word in of_class(hocr, "ocrx_word")[4:])


def test_hocr_knows_figures(hocr):
    assert [bbox(figure) for figure in of_class(hocr, "ocr_image")] == [(50, 100, 150, 200)]


def test_hocr_ids_are_unique(hocr):
    ids = [e.get("id") for e in hocr.iter() if e.get("id")]

    assert len(ids) == len(set(ids))


def test_alto_is_what_the_schema_wants(alto):
    ALTO_SCHEMA.assertValid(alto)


def test_alto_strings_have_their_content_box_and_confidence(alto):
    strings = list(alto.iter(ALTO + "String"))[:4]

    assert [string.get("CONTENT") for string in strings] == ["Tom", "&", '"Jerry"', "<3"]
    assert {string.get("WC") for string in strings} == {"0.934"}
    assert place(strings[0])[0] == 10
    assert place(strings[-1])[2] == 210


def test_alto_blanks_lie_between_the_words(alto):
    children = list(next(alto.iter(ALTO + "TextLine")))

    assert [child.tag.removeprefix(ALTO) for child in children] == ["String", "SP"] * 3 + ["String"]
    assert all(abs(place(a)[2] - place(b)[0]) <= 1 for a, b in pairwise(children))


def test_alto_names_the_file_and_the_unit(alto):
    assert alto.findtext(f".//{ALTO}fileName") == "a <b>.png"
    assert alto.findtext(f".//{ALTO}MeasurementUnit") == "pixel"
    assert [place(e) for e in alto.iter(ALTO + "Illustration")] == [(50, 100, 150, 200)]


def test_a_line_that_runs_downwards_is_marked():
    reading = reading_of([page_text(blocks=[Block("text", "竖排文字测试一二三", (10, 10, 40, 290))])])

    assert tree("alto", reading).find(f".//{ALTO}TextLine").get("BASEDIRECTION") == "ttb"
    assert of_class(tree("hocr", reading), "ocr_line")[0].get("title").endswith("textangle 270")


def test_a_line_that_runs_from_the_right_is_marked():
    blocks = [Block("text", "שלום עולם 123", (10, 10, 200, 40)), Block("text", "left to right", (10, 50, 200, 80))]
    reading = reading_of([page_text(blocks=blocks)])

    assert [line.get("BASEDIRECTION") for line in tree("alto", reading).iter(ALTO + "TextLine")] == ["rtl", None]
    assert [line.get("dir") for line in of_class(tree("hocr", reading), "ocr_line")] == ["rtl", None]


def test_a_name_cannot_end_a_property_of_hocr():
    [page] = of_class(tree("hocr", reading_of([page_text()], name='a "b"; bbox 1 2 3 4.png')), "ocr_page")

    assert page.get("title").split(";") == ["image \"a 'b', bbox 1 2 3 4.png\"", " bbox 0 0 400 300", " ppageno 0"]


def test_characters_that_xml_forbids_are_left_out():
    reading = reading_of([page_text(blocks=[Block("text", "a\x00b\x1bc\ufffe\ud800d", (0, 0, 90, 20))])])

    assert tree("alto", reading).find(f".//{ALTO}String").get("CONTENT") == "abc\ufffdd"
    assert of_class(tree("hocr", reading), "ocrx_word")[0].text == "abc\ufffdd"


@settings(deadline=None)  # a loaded machine is not a fault
@given(st.lists(odd_page, min_size=1, max_size=3))
def test_any_text_gives_valid_hocr_and_alto_with_nested_boxes(pages):
    reading = reading_of(numbered(pages), name="\udcff<\0&\n.png")
    hocr, alto = tree("hocr", reading), tree("alto", reading)
    expected = [word.text for page in pages for area in areas(page) for row in area.rows for word in row.words]

    ALTO_SCHEMA.assertValid(alto)
    assert [word.text for word in of_class(hocr, "ocrx_word")] == expected
    assert [string.get("CONTENT") for string in alto.iter(ALTO + "String")] == expected
    for line in of_class(hocr, "ocr_line"):
        assert lies_within(bbox(line), bbox(line.getparent()))
    for block in (*alto.iter(ALTO + "TextBlock"), *alto.iter(ALTO + "Illustration")):
        assert lies_within(place(block), (0, 0, 400, 300))
        assert all(lies_within(place(line), place(block)) for line in block)
    assert "".join("".join(expected).split()) == "".join(plain.for_xml("".join(expected)).split())
