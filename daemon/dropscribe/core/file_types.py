"""The type of a file by its first bytes, and a description of files that are neither picture nor PDF.

Light on purpose: the daemon's own process uses it too. It opens no file, decodes nothing and trusts no name: an
ending only decides in which words a file is refused.
"""

import os

from dropscribe.core.errors import Reason, ReasonedError

HEAD = 4096  # bytes of a file that every judgement here is made from
PDF = "application/pdf"
PNG, JPEG, TIFF, WEBP = "image/png", "image/jpeg", "image/tiff", "image/webp"
GIF, BMP, ICO, PSD = "image/gif", "image/bmp", "image/vnd.microsoft.icon", "image/vnd.adobe.photoshop"
HEIC, HEIF, AVIF = "image/heic", "image/heif", "image/avif"
JP2, J2K = "image/jp2", "image/j2c"
PNM, TGA, PCX, SGI, QOI = "image/x-portable-anymap", "image/x-tga", "image/vnd.zbrush.pcx", "image/sgi", "image/qoi"

_ENDINGS = (
    "pdf ai png apng jpg jpeg jpe jfif mpo tif tiff webp gif bmp dib ico psd heic heics heif heifs hif avif avifs "
    "jp2 j2k jpf jpx j2c jpc pnm pbm pgm ppm pam pfm tga icb vda vst pcx sgi rgb rgba bw qoi"
)
PICTURE_ENDINGS = frozenset(_ENDINGS.split())

_JPEG_2000 = b"\0\0\0\x0cjP  \r\n\x87\n"
_MAGIC = (
    (b"\x89PNG\r\n\x1a\n", PNG),
    (b"\xff\xd8\xff", JPEG),
    (b"GIF87a", GIF),
    (b"GIF89a", GIF),
    (b"II*\0", TIFF),
    (b"MM\0*", TIFF),
    (b"II+\0", TIFF),  # BigTIFF
    (b"MM\0+", TIFF),
    (b"8BPS\0\x01", PSD),
    (_JPEG_2000, JP2),
    (b"\xff\x4f\xff\x51", J2K),
    (b"\x01\xda\0", SGI),
    (b"\x01\xda\x01", SGI),
    (b"qoif", QOI),
)
FOREIGN = (
    (b"PK\x03\x04", "a ZIP archive or an office document"),
    (b"PK\x05\x06", "an empty ZIP archive"),
    (b"\x1f\x8b", "a gzip archive"),
    (b"BZh", "a bzip2 archive"),
    (b"\xfd7zXZ\0", "an xz archive"),
    (b"(\xb5/\xfd", "a zstd archive"),
    (b"7z\xbc\xaf\x27\x1c", "a 7-Zip archive"),
    (b"Rar!\x1a\x07", "a RAR archive"),
    (b"\x7fELF", "a program"),
    (b"\xcf\xfa\xed\xfe", "a program"),
    (b"\xca\xfe\xba\xbe", "a program"),
    (b"MZ\x90\0", "a program"),
    (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "an old office document"),
    (b"SQLite format 3\0", "a database"),
    (b"%!PS", "a PostScript document"),
    (b"\xc5\xd0\xd3\xc6", "a PostScript document"),
    (b"{\\rtf", "a text document"),
    (b"\xff\x0a", "a JPEG XL picture"),
    (b"\0\0\0\x0cJXL ", "a JPEG XL picture"),
    (b"II*\0\x10\0\0\0CR", "a raw camera file"),
    (b"FUJIFILMCCD-RAW", "a raw camera file"),
    (b"IIU\0", "a raw camera file"),
    (b"IIRO", "a raw camera file"),
    (b"IIRS", "a raw camera file"),
    (b"MMOR", "a raw camera file"),
    (b"II\x1a\0\0\0HEAPCCDR", "a raw camera file"),
    (b"\0MRM", "a raw camera file"),
    (b"FOVb", "a raw camera file"),
    (b"8BPS\0\x02", "a large Photoshop document"),
    (b"gimp xcf", "a GIMP document"),
    (b"II\xbc\x01", "a JPEG XR picture"),
    (b"\x97JB2\r\n\x1a\n", "a JBIG2 picture"),
    (b"\x8aMNG\r\n\x1a\n", "a MNG film"),
    (b"\x8bJNG\r\n\x1a\n", "a JNG picture"),
    (b"BPG\xfb", "a BPG picture"),
    (b"FLIF", "a FLIF picture"),
    (b"icns", "a Macintosh icon"),
    (b"v/1\x01", "an OpenEXR picture"),
    (b"#?RADIANCE", "a Radiance picture"),
    (b"SIMPLE  =", "a FITS file"),
    (b"\xd7\xcd\xc6\x9a", "a Windows metafile"),
    (b"DDS ", "a DDS texture"),
    (b"AT&TFORM", "a DjVu document"),
    (b"OggS", "a sound or video file"),
    (b"fLaC", "a sound file"),
    (b"ID3", "a sound file"),
    (b"\x1aE\xdf\xa3", "a video"),
    (b"\0\0\x01\xba", "a video"),
    (b"bplist00", "a property list"),
    (b"\0\0\0\x01Bud1", "a file of the Finder's own"),
)
_JPEG_2000_KIN = {b"jpm ": "a JPM document", b"mjp2": "a Motion JPEG 2000 film"}
_HEIF_MAJOR = (b"mif1", b"msf1", b"miaf", b"mif2", b"avci", b"avcs", b"vvic", b"vvis", b"evbi", b"jpeg", b"j2ki")
_HEIF_BRANDS = {b"heic": HEIC, b"heix": HEIC, b"heim": HEIC, b"heis": HEIC, b"hevc": HEIC, b"hevx": HEIC}
_HEIF_BRANDS |= {b"hevm": HEIC, b"hevs": HEIC, b"avif": AVIF, b"avis": AVIF}


def media_type(head: bytes) -> str | None:
    """Return the MIME type of the picture or PDF that begins with *head*, or None when it is neither."""
    if foreign(head, text=False):
        return None  # first: an archive may well hold a PDF, unpacked, in its first bytes
    for magic, kind in _MAGIC:
        if head.startswith(magic):
            return kind
    if head[4:8] == b"ftyp":
        return _boxed(head)
    if head[:4] == b"RIFF" and head[8:12] == b"WEBP":
        return WEBP
    # A reader looks for the header in the first 1024 bytes (ISO 32000-1, annex H, note 13): scanners, printers and
    # mail programs put lines of their own before it.
    if b"%PDF-" in head[:1024]:
        return PDF
    return _plausible(head)


def _boxed(head: bytes) -> str | None:
    """Tell an ISO container by its brands: the first known one wins."""
    end = min(int.from_bytes(head[:4], "big"), len(head))
    brands = [head[8:12], *(head[at : at + 4] for at in range(16, end - 3, 4))]
    known = next((_HEIF_BRANDS[brand] for brand in brands if brand in _HEIF_BRANDS), None)
    return known or (HEIF if brands[0] in _HEIF_MAJOR else None)


def _plausible(head: bytes) -> str | None:
    """Tell the kinds whose magic is too short to stand alone, by the sense of their headers."""
    if len(head) < 12:
        return None
    small = int.from_bytes(head[4:6], "little")
    if head[:2] == b"BM" and int.from_bytes(head[14:18], "little") in (12, 16, 40, 52, 56, 64, 108, 124):
        return BMP
    if head[:4] == b"\0\0\x01\0" and 0 < small < 256:
        return ICO
    if head[:1] == b"P" and head[1:2] in b"1234567fF" and head[2:3].isspace() and head[3:40].strip()[:1] in _PNM_NEXT:
        return PNM
    if head[0] == 10 and head[1] in (0, 2, 3, 4, 5) and head[2] < 2 and head[3] in (1, 2, 4, 8):
        return PCX
    return TGA if _is_tga(head) else None


_PNM_NEXT = frozenset(bytes([byte]) for byte in b"#0123456789W")  # a comment, a number, or PAM's WIDTH


def _is_tga(head: bytes) -> bool:
    """Say whether these 18 bytes make a sound Targa header (there is no magic; the test is strict instead)."""
    if len(head) < 18 or head[1] > 1 or head[16] not in (8, 15, 16, 24, 32) or head[17] & 0xC0:
        return False
    mapped = head[1] == 1
    wanted = (1, 9) if mapped else (2, 3, 10, 11)
    palette = head[3:8]
    sound = palette[4] in (15, 16, 24, 32) and any(palette[2:4]) if mapped else not any(palette)
    return head[2] in wanted and sound and any(head[12:14]) and any(head[14:16])


def foreign(head: bytes, text: bool = True) -> str | None:
    """Return in a few words what else *head* begins, or None when it is unknown; *text* includes plain text."""
    for magic, name in FOREIGN:
        if head.startswith(magic):
            return name
    if head[4:8] == b"ftyp" and _boxed(head) is None:
        return "a raw camera file" if head[8:12] == b"crx " else "a video or sound file"
    if head.startswith(_JPEG_2000) and head[20:24] in _JPEG_2000_KIN:
        return _JPEG_2000_KIN[head[20:24]]
    if head[:4] == b"\1\0\0\0" and head[40:44] == b" EMF":
        return "a Windows metafile"
    if head[128:132] == b"DICM":
        return "a DICOM file"
    if head[:4] == b"RIFF" and head[8:12] in (b"WAVE", b"AVI "):
        return "a video or sound file"
    if not text or not head:
        return None
    start = head.lstrip(b"\xef\xbb\xbf \t\r\n")[:14].lower()
    if start.startswith((b"<!doctype html", b"<html", b"<head", b"<body")):
        return "a web page"
    if start.startswith((b"<?xml", b"<svg")):
        return "an XML or SVG file"
    return "plain text" if len(head) > 3 and _is_text(head) else None


def _is_text(head: bytes) -> bool:
    """Say whether *head* reads as text: UTF-8 (cut anywhere) or a UTF-16 mark, and no control characters."""
    if head.startswith((b"\xff\xfe", b"\xfe\xff")):
        return True
    try:
        head[: max(1, len(head) - 3)].decode("utf-8")
    except UnicodeDecodeError as error:
        if error.start < len(head) - 6:
            return False
    return not any(byte < 32 and byte not in b"\t\n\v\f\r\x1b" for byte in head)


def wanted_name(name: bytes) -> bool:
    """Say whether a file called *name* claims, by its ending, to be something that is read here."""
    return ending(name) in PICTURE_ENDINGS


def ending(name: bytes) -> str:
    """Return the ending of a file name in lower case, without the dot."""
    return os.path.splitext(os.path.basename(name))[1][1:].decode("ascii", "replace").lower()


def refusal(head: bytes, name: bytes) -> ReasonedError:
    """Return the error for a file that is neither picture nor PDF, in words that fit its name and content."""
    what, claims = foreign(head), ending(name)
    if claims in PICTURE_ENDINGS:
        found = f"inside it is {what}" if what else "its content is nothing that is known here"
        return ReasonedError(Reason.NOT_AN_IMAGE, f"The name ends in .{claims}, but {found}.")
    if what:
        return ReasonedError(Reason.UNSUPPORTED, f"This is {what}; only pictures and PDF files are read.")
    return ReasonedError(Reason.NOT_AN_IMAGE, "The content is neither a picture nor a PDF.")
