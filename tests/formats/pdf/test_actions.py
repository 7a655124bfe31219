"""Active parts of a PDF: taken out of ours, and told; what only leads somewhere stays."""

import json
from pathlib import Path

import pikepdf
import pytest
from pikepdf import Array, Dictionary, Name, Pdf

from dropscribe.formats.pdf import actions
from support.harness import Daemon


def script() -> Dictionary:
    return Dictionary(S=Name.JavaScript, JS="app.alert(1)")


def link(action: Dictionary) -> Dictionary:
    return Dictionary(Type=Name.Annot, Subtype=Name.Link, Rect=[0, 0, 9, 9], A=action)


def on_opening(pdf: Pdf) -> None:
    pdf.Root.OpenAction = script()


def on_closing(pdf: Pdf) -> None:
    pdf.Root.AA = Dictionary(WC=script())


def by_name(pdf: Pdf) -> None:
    pdf.Root.Names = Dictionary(JavaScript=Dictionary(Names=["a", pdf.make_indirect(script())]))


def on_a_page(pdf: Pdf) -> None:
    pdf.pages[1].obj.AA = Dictionary(O=Dictionary(S=Name.Launch, F="cmd.exe"))


def in_a_link(pdf: Pdf) -> None:
    pdf.pages[1].obj.Annots = pdf.make_indirect(Array([link(Dictionary(S=Name.URI, URI="java\nscript:alert(1)"))]))


def to_another_file(pdf: Pdf) -> None:
    pdf.pages[1].obj.Annots = Array([link(Dictionary(S=Name.GoToR, F="\\\\server\\share\\a.pdf"))])


def to_a_share(pdf: Pdf) -> None:
    pdf.pages[1].obj.Annots = Array([link(Dictionary(S=Name.URI, URI="//server/share"))])


def after_a_harmless_one(pdf: Pdf) -> None:
    action = Dictionary(S=Name.Named, N=Name.NextPage, Next=Array([Dictionary(S=Name.GoTo, D="x", Next=script())]))
    pdf.pages[1].obj.Annots = Array([link(action)])


def in_a_form(pdf: Pdf) -> None:
    field = pdf.make_indirect(Dictionary(FT=Name.Tx, T="name", AA=Dictionary(K=script())))
    pdf.Root.AcroForm = Dictionary(Fields=[pdf.make_indirect(Dictionary(T="group", Kids=[field]))])


def in_the_outline(pdf: Pdf) -> None:
    entry = pdf.make_indirect(Dictionary(Title="Chapter", A=Dictionary(S=Name.SubmitForm, F="http://e.org")))
    entry.Next = entry  # a circle
    pdf.Root.Outlines = pdf.make_indirect(Dictionary(First=entry))


def as_an_attachment(pdf: Pdf) -> None:
    pdf.attachments["report.txt"] = b"\x7fELF and more"


def as_media(pdf: Pdf) -> None:
    pdf.pages[1].obj.Annots = Array([Dictionary(Type=Name.Annot, Subtype=Name.RichMedia, Rect=[0, 0, 9, 9])])


def as_an_endless_chain(pdf: Pdf) -> None:
    action = pdf.make_indirect(Dictionary(S=Name.GoTo, D="x"))
    action.Next = action
    pdf.pages[1].obj.Annots = Array([link(action)])


def deep_in_a_form(pdf: Pdf) -> None:
    field = pdf.make_indirect(Dictionary(FT=Name.Tx, T="x", AA=Dictionary(C=script())))
    for _ in range(70):
        field = pdf.make_indirect(Dictionary(T="level", Kids=[field]))
    pdf.Root.AcroForm = Dictionary(Fields=[field])


def in_two_trees(pdf: Pdf) -> None:
    node = pdf.make_indirect(Dictionary(T="x", FT=Name.Tx, AA=Dictionary(C=script()), Names=[], Title="x", A=script()))
    pdf.Root.Names = Dictionary(EmbeddedFiles=Dictionary(Kids=[node]))
    pdf.Root.AcroForm = Dictionary(Fields=[node])
    pdf.Root.Outlines = Dictionary(First=node, Last=node)


def in_the_parent_of_a_widget(pdf: Pdf) -> None:
    parent = pdf.make_indirect(Dictionary(T="parent", AA=Dictionary(C=script())))
    widget = Dictionary(Type=Name.Annot, Subtype=Name.Widget, Rect=[0, 0, 9, 9], FT=Name.Btn, T="b", Parent=parent)
    pdf.pages[1].obj.Annots = Array([pdf.make_indirect(widget)])


def in_the_order_of_calculation(pdf: Pdf) -> None:
    field = pdf.make_indirect(Dictionary(T="x", FT=Name.Tx, AA=Dictionary(C=script())))
    pdf.Root.AcroForm = Dictionary(Fields=[], CO=[field])


def as_an_array(pdf: Pdf) -> None:
    pdf.pages[1].obj.Annots = Array([link(Array([Array([script()])]))])


def as_an_array_of_events(pdf: Pdf) -> None:
    pdf.pages[1].obj.AA = Array([script()])


def as_a_stream(pdf: Pdf) -> None:
    pdf.Root.OpenAction = pdf.make_stream(b"x", S=Name.JavaScript, JS="app.alert(1)")


def with_a_kind_that_is_no_name(pdf: Pdf) -> None:
    pdf.Root.OpenAction = Dictionary(S=Array([Name.JavaScript]), JS="app.alert(1)")


def on_the_tree_of_pages(pdf: Pdf) -> None:
    pdf.Root.Pages.AA = Dictionary(O=script())


def to_a_thread_of_another_file(pdf: Pdf) -> None:
    pdf.pages[1].obj.Annots = Array([link(Dictionary(S=Name.Thread, F="\\\\server\\share\\GoToR.pdf", D=0))])


def as_the_base_of_links(pdf: Pdf) -> None:
    pdf.Root.URI = Dictionary(Base="javascript:alert(1)//")
    pdf.pages[1].obj.Annots = Array([link(Dictionary(S=Name.URI, URI="page"))])


def as_an_associated_file(pdf: Pdf) -> None:
    program = pdf.make_stream(b"\x7fELF and more")
    file = pdf.make_indirect(Dictionary(Type=Name.Filespec, F="a.txt", UF="a.txt", EF=Dictionary(F=program)))
    pdf.Root.AF = Array([file])


def as_a_chain_that_doubles(pdf: Pdf) -> None:
    action = pdf.make_indirect(Dictionary(S=Name.Named, N=Name.NextPage))
    for _ in range(40):
        action = pdf.make_indirect(Dictionary(S=Name.Named, N=Name.NextPage, Next=Array([action, action])))
    pdf.pages[1].obj.Annots = Array([link(action)])


HARMFUL = [
    on_opening, on_closing, by_name, on_a_page, in_a_link, to_another_file, to_a_share, after_a_harmless_one, in_a_form,
    in_the_outline, as_an_attachment, as_media, as_an_endless_chain, deep_in_a_form, in_two_trees,
    in_the_parent_of_a_widget, in_the_order_of_calculation, as_an_array, as_an_array_of_events, as_a_stream,
    with_a_kind_that_is_no_name, on_the_tree_of_pages, to_a_thread_of_another_file, as_the_base_of_links,
    as_an_associated_file, as_a_chain_that_doubles,
]  # fmt: skip
ON_ITS_PAGE = {
    on_a_page, in_a_link, to_another_file, to_a_share, after_a_harmless_one, as_media, as_an_endless_chain, as_an_array,
    as_an_array_of_events, to_a_thread_of_another_file, as_a_chain_that_doubles,
}  # fmt: skip


@pytest.mark.filterwarnings("ignore:This document has 1 form widget:pikepdf.PageCopyWarning")
@pytest.mark.parametrize("put", HARMFUL, ids=lambda put: put.__name__)
def test_what_acts_is_taken_out_and_told(put, tmp_path: Path) -> None:
    with Pdf.new() as pdf:
        pdf.add_blank_page()
        pdf.add_blank_page()
        put(pdf)
        pdf.save(tmp_path / "in.pdf")
    with Pdf.open(tmp_path / "in.pdf") as pdf:
        removed = actions.take_out(pdf)
        pdf.save(tmp_path / "out.pdf")

    assert removed.kinds
    assert removed.pages == {2 if put in ON_ITS_PAGE else 1}
    assert not actions.found(str(tmp_path / "out.pdf")).kinds
    with Pdf.open(tmp_path / "out.pdf") as pdf:
        pdf.save(tmp_path / "plain.pdf", compress_streams=False, object_stream_mode=pikepdf.ObjectStreamMode.disable)
    left = (tmp_path / "plain.pdf").read_bytes()
    assert not any(word in left for word in (b"JavaScript", b"alert", b"Launch", b"GoToR", b"ELF", b"RichMedia"))


@pytest.mark.parametrize("odd", [b"null", b"5", b"true", b"/A", b"0.5", b"[null /A]", b"(/A x)"])
def test_objects_that_are_no_dictionaries_are_no_trouble(tmp_path: Path, odd: bytes) -> None:
    place = b"(in the place of it)"
    with Pdf.new() as pdf:
        pdf.add_blank_page()
        pdf.Root.Odd = pdf.make_indirect(pikepdf.String(place.decode()[1:-1]))
        on_opening(pdf)
        pdf.save(tmp_path / "in.pdf", object_stream_mode=pikepdf.ObjectStreamMode.disable)
    written = (tmp_path / "in.pdf").read_bytes()
    (tmp_path / "in.pdf").write_bytes(written.replace(place, odd.ljust(len(place))))

    assert actions.found(str(tmp_path / "in.pdf")).kinds == {"JavaScript"}


def test_what_only_leads_somewhere_stays(tmp_path: Path) -> None:
    with Pdf.new() as pdf:
        pdf.add_blank_page()
        page = pdf.pages[0].obj
        page.Annots = Array(
            [
                link(Dictionary(S=Name.URI, URI="HTTPS://e.org/a?b#c")),
                link(Dictionary(S=Name.URI, URI="mailto:a@e.org")),
                link(Dictionary(S=Name.GoTo, D=Array([page, Name.Fit]))),
            ]
        )
        pdf.Root.OpenAction = Array([page, Name.Fit])
        pdf.attachments["invoice.xml"] = b"<invoice/>"
        pdf.save(tmp_path / "in.pdf")

    assert not actions.found(str(tmp_path / "in.pdf")).kinds


def with_script(path: Path) -> None:
    """Write a page of text that runs a script when it is opened."""
    with Pdf.new() as pdf:
        pdf.add_blank_page(page_size=(612, 792))
        font = Dictionary(Type=Name.Font, Subtype=Name.Type1, BaseFont=Name.Helvetica)
        pdf.pages[0].obj.Resources = Dictionary(Font=Dictionary(F1=font))
        pdf.pages[0].obj.Contents = pdf.make_stream(b"BT /F1 24 Tf 60 600 Td (Harbour Office) Tj ET")
        pdf.Root.OpenAction = script()
        pdf.save(path)


@pytest.mark.parametrize("wish", ["strip", "keep"])
def test_the_daemon_says_what_it_took_out(wish: str, tmp_path: Path) -> None:
    daemon = Daemon(tmp_path, output={"formats": ["json", "pdf"], "pdf_actions": wish})
    with_script(daemon.inbox / "form.pdf")

    assert daemon.once() == 0

    stripped = wish == "strip"
    page = json.loads((daemon.outbox / "form.json").read_text())["pages"][0]
    assert ("actions-removed" in page["flags"]) == stripped
    assert ("taken out of the PDF: JavaScript" in daemon.log()) == stripped
    assert bool(actions.found(str(daemon.outbox / "form.pdf")).kinds) != stripped
