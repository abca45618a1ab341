"""At least sixty files that odd cameras, editors and encoders make, each by its name."""

from __future__ import annotations

import hashlib
import io
import random
import struct
import zlib
from collections.abc import Iterator
from typing import Any

from PIL import Image, ImageCms, PngImagePlugin
from support.pngs import assemble, chunk

from nanobanana_cli.images.xmp import jpeg as jpeg_xmp
from nanobanana_cli.images.xmp import webp as webp_xmp

RDF = "http://www.w3.org/1999/02/22-rdf-syntax-ns#"
DC = "http://purl.org/dc/elements/1.1/"
CORE = "http://iptc.org/std/Iptc4xmpCore/1.0/xmlns/"
TITLE = "Füchse"
_SIZE = (37, 21)


def packet(inside: str = "", *, attributes: str = "", padding: int = 0) -> bytes:
    """An XMP packet with a title, more properties inside, and room to edit it in place."""
    spaces = (" " * 99 + "\n") * (padding // 100)
    return (
        '<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?>'
        f'<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="{RDF}"><rdf:Description '
        f'rdf:about="" xmlns:dc="{DC}" xmlns:Iptc4xmpCore="{CORE}" {attributes}>'
        f'<dc:title><rdf:Alt><rdf:li xml:lang="x-default">{TITLE}</rdf:li></rdf:Alt></dc:title>'
        f"{inside}</rdf:Description></rdf:RDF></x:xmpmeta>{spaces}"
        '<?xpacket end="w"?>'
    ).encode()


def exif(orientation: int = 1) -> bytes:
    """An EXIF block that says how to turn the picture."""
    block = Image.Exif()
    block[0x010F] = "Camera"
    block[0x0112] = orientation
    return block.tobytes()


def profile() -> bytes:
    """A colour profile."""
    return ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()


def box(kind: bytes, *parts: bytes) -> bytes:
    """A box of an ISO media file."""
    body = b"".join(parts)
    return struct.pack(">I", len(body) + 8) + kind + body


def heic(xmp: bytes | None = None, turns: int = 0, *, in_meta: bool = False) -> bytes:
    """The outline of a HEIC file of 40 by 30 pixels, without the pixels, perhaps with XMP."""
    infos = [box(b"infe", b"\2\0\0\0\0\1\0\0hvc1\0")]
    if xmp is not None:
        infos.append(box(b"infe", b"\2\0\0\0\0\2\0\0mime\0application/rdf+xml\0"))
    properties = box(b"ispe", bytes(4), struct.pack(">II", 40, 30)) + box(b"irot", bytes([turns]))

    def meta(start: int) -> bytes:
        where = struct.pack(">HHHHII", 2, in_meta, 0, 1, 0 if in_meta else start, len(xmp or b""))
        return box(
            b"meta",
            bytes(4),
            box(b"hdlr", bytes(8), b"pict", bytes(13)),
            box(b"pitm", bytes(4), b"\0\1"),
            box(b"iinf", bytes(4), struct.pack(">H", len(infos)), *infos),
            box(b"iprp", box(b"ipco", properties), box(b"ipma", bytes(4), b"\0\0\0\1\0\1\2\1\2")),
            box(b"iloc", b"\1\0\0\0\x44\0", struct.pack(">H", xmp is not None), where * bool(xmp)),
            box(b"idat", xmp if xmp and in_meta else b""),
        )

    head = box(b"ftyp", b"heic\0\0\0\0mif1heic")
    start = len(head) + len(meta(0)) + 8
    return head + meta(start) + box(b"mdat", b"" if in_meta else xmp or b"")


def _picture(mode: str = "RGB", size: tuple[int, int] = _SIZE) -> Image.Image:
    noise = Image.frombytes("L", size, random.Random(1).randbytes(size[0] * size[1]))
    ramp = Image.linear_gradient("L").resize(size)
    image = Image.merge("RGB", (noise, ramp, ramp.transpose(Image.Transpose.ROTATE_180)))
    if mode == "RGBA":
        image.putalpha(ramp)
        return image
    if mode == "I;16":
        return Image.frombytes(mode, size, random.Random(3).randbytes(2 * size[0] * size[1]))
    return image.convert(mode)


def _saved(image: Image.Image, kind: str, **options: Any) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def _png(mode: str = "RGB", **options: Any) -> bytes:
    return _saved(_picture(mode), "png", **options)


def _beside(kind: bytes, body: bytes = b"") -> bytes:
    """A PNG with a chunk after its header."""
    data = _png()
    return data[:33] + chunk(kind, body) + data[33:]


def raw_profile(packet: bytes, name: bytes = b"xmp") -> bytes:
    """A profile in hexadecimal, as ImageMagick writes it."""
    rows = packet.hex().encode()
    lines = b"\n".join(rows[at : at + 72] for at in range(0, len(rows), 72))
    return b"Raw profile type %b\0\n%b\n%8d\n%b\n" % (name, name, len(packet), lines)


def packed(text: bytes) -> bytes:
    """The content of a zTXt chunk for that of a tEXt chunk."""
    keyword, content = text.split(b"\0", 1)
    return keyword + b"\0\0" + zlib.compress(content)


def _text(packet: bytes, *, zipped: bool = False) -> bytes:
    """A PNG with a packet in the chunk of the specification."""
    head = b"XML:com.adobe.xmp\0" + bytes([zipped]) + b"\0\0\0"
    return _beside(b"iTXt", head + (zlib.compress(packet) if zipped else packet))


def _pngs() -> Iterator[tuple[str, bytes]]:
    for mode in ("1", "L", "LA", "P", "RGBA", "I;16"):
        yield f"mode {mode.replace(';', ' ')}", _png(mode)
    row = b"\0" + random.Random(2).randbytes(8 * 6)
    header = struct.pack(">IIBBBBB", 8, 5, 16, 2, 0, 0, 0)
    yield "16 bit", assemble(chunk(b"IHDR", header), chunk(b"IDAT", zlib.compress(row * 5)))
    frames = [_picture(size=(9, 9)), _picture("L", (9, 9)).convert("RGB")]
    yield "animated", _saved(frames[0], "png", save_all=True, append_images=frames[1:])
    info = PngImagePlugin.PngInfo()
    info.add_text("Title", "a fox")
    info.add_text("Comment", "packed", zip=True)
    info.add_itxt("Description", "Füchse", "de", "Beschreibung")
    yield "texts", _png(pnginfo=info)
    yield "turned", _png(exif=exif(6))
    yield "profile", _png(icc_profile=profile())
    yield "transparent colour", _png("L", transparency=7)
    yield "resolution", _png(dpi=(300, 300))
    yield "gamma", _beside(b"gAMA", struct.pack(">I", 45455))
    yield "time", _beside(b"tIME", b"\x07\xea\1\1\0\0\0")
    yield "private chunk", _beside(b"prVt", b"secret")
    whole = _png()
    yield "bytes behind", whole + b"spare" * 99
    at = whole.index(b"IDAT") - 4
    size = int.from_bytes(whole[at : at + 4])
    pixels = whole[at + 8 : at + 8 + size]
    pieces = b"".join(chunk(b"IDAT", pixels[i : i + 50]) for i in range(0, size, 50))
    yield "many pieces", whole[:at] + pieces + whole[at + size + 12 :]
    yield "one pixel", _saved(_picture(size=(1, 1)), "png")
    yield "xmp", _text(packet())
    yield "xmp padded", _text(packet(padding=2000))
    yield "xmp packed", _text(packet(), zipped=True)
    yield "xmp utf-16", _text(packet().decode().encode("utf-16-be"))
    yield "xmp raw", _beside(b"tEXt", raw_profile(packet()))
    yield "xmp raw packed", _beside(b"zTXt", packed(raw_profile(packet())))
    app1 = raw_profile(b"http://ns.adobe.com/xap/1.0/\0" + packet(), b"APP1")
    yield "xmp raw app1", _beside(b"zTXt", packed(app1))
    end = whole.index(b"IEND") - 4
    late = chunk(b"iTXt", b"XML:com.adobe.xmp\0\0\0\0\0" + packet())
    yield "xmp at the end", whole[:end] + late + whole[end:]
    once, raw = _text(packet()), chunk(b"tEXt", raw_profile(packet()))
    yield "xmp doubled", once[:33] + raw + once[33:]


def segment(marker: int, body: bytes, data: bytes) -> bytes:
    """A JPEG with a segment at its start."""
    return data[:2] + struct.pack(">BBH", 0xFF, marker, len(body) + 2) + body + data[2:]


def _jpeg(mode: str = "RGB", **options: Any) -> bytes:
    return _saved(_picture(mode), "jpeg", **options)


def _jpegs() -> Iterator[tuple[str, bytes]]:
    yield "grey", _jpeg("L")
    yield "cmyk", _jpeg("CMYK")
    yield "progressive", _jpeg(progressive=True)
    yield "restarts", _jpeg(restart_marker_blocks=1)
    yield "full colour", _jpeg(subsampling=0, quality=95)
    for orientation in range(2, 9):
        yield f"turned {orientation}", _jpeg(exif=exif(orientation))
    yield "profile", _jpeg(icc_profile=profile())
    long = profile()[4:] + bytes(100_000)
    yield "profile in parts", _jpeg(icc_profile=struct.pack(">I", len(long) + 4) + long)
    yield "comment", _jpeg(comment=b"by hand")
    yield "photoshop", segment(0xED, b"Photoshop 3.0\x008BIM\4\4\0\0\0\0\0\0", _jpeg())
    yield "no jfif", _jpeg()[:2] + _jpeg()[20:]
    yield "jfxx", segment(0xE0, b"JFXX\0\x13\1\1\0\0\0", _jpeg())
    yield "bytes behind", _jpeg() + b"spare" * 99
    yield "fill bytes", _jpeg().replace(b"\xff\xda", b"\xff\xff\xff\xda", 1)
    yield (
        "several pictures",
        _saved(_picture(), "mpo", save_all=True, append_images=[_picture(size=(9, 9))]),
    )
    gain = 'xmlns:hdrgm="http://ns.adobe.com/hdr-gain-map/1.0/" hdrgm:Version="1.0"'
    mapped = jpeg_xmp.with_packet(_jpeg(exif=exif()), packet(attributes=gain))
    yield "gain map", mapped + _jpeg("L")
    yield "xmp", jpeg_xmp.with_packet(_jpeg(), packet())
    yield "xmp padded", jpeg_xmp.with_packet(_jpeg(exif=exif()), packet(padding=4000))
    for name, encoding in (("16", "utf-16-le"), ("32", "utf-32-be")):
        wide = packet().decode().encode(encoding)
        yield f"xmp utf-{name}", jpeg_xmp.with_packet(_jpeg(), wide)
    app1 = b"http://ns.adobe.com/xap/1.0/\0" + packet(attributes='Iptc4xmpCore:Location="here"')
    yield "xmp before exif", segment(0xE1, app1, _jpeg(exif=exif()))
    old = packet().replace(b'rdf:about=""', b"about='uuid:1'")
    yield "xmp old", jpeg_xmp.with_packet(_jpeg(), old)
    yield "xmp extended", _extended()


def _extended() -> bytes:
    long = f"<rdf:Alt><rdf:li>{'x' * 70_000}</rdf:li></rdf:Alt>"
    more = packet(f"<dc:description>{long}</dc:description>")
    digest = hashlib.md5(more, usedforsecurity=False).hexdigest().upper()
    note = f'xmlns:n="http://ns.adobe.com/xmp/note/" n:HasExtendedXMP="{digest}"'
    data = _jpeg()
    for at in range(len(more) - len(more) % 60_000, -1, -60_000):
        head = digest.encode() + struct.pack(">II", len(more), at)
        body = b"http://ns.adobe.com/xmp/extension/\0" + head + more[at : at + 60_000]
        data = segment(0xE1, body, data)
    return jpeg_xmp.with_packet(data, packet(attributes=note))


def _webp(mode: str = "RGB", **options: Any) -> bytes:
    return _saved(_picture(mode), "webp", **options)


def _webps() -> Iterator[tuple[str, bytes]]:
    yield "lossy", _webp()
    yield "lossless", _webp(lossless=True)
    yield "lossless alpha", _webp("RGBA", lossless=True)
    yield "alpha", _webp("RGBA")
    frames = [_picture(size=(9, 9)), _picture("L", (9, 9)).convert("RGB")]
    yield "animated", _saved(frames[0], "webp", save_all=True, append_images=frames[1:])
    yield "turned", _webp(exif=exif(8))
    yield "profile", _webp(icc_profile=profile())
    yield "xmp", _webp(xmp=packet())
    yield "xmp odd", webp_xmp.with_packet(_webp(), packet(attributes='x:n=""') + b" ")
    yield "bytes behind", _webp() + b"spare"
    yield "one pixel", _saved(_picture(size=(1, 1)), "webp")


def _others() -> Iterator[tuple[str, bytes]]:
    frames = [_picture("P", (9, 9)), _picture("L", (9, 9)).convert("P")]
    yield "animated.gif", _saved(frames[0], "gif", save_all=True, append_images=frames[1:])
    yield "turned.tif", _saved(_picture(), "tiff", tiffinfo={0x0112: 6})
    yield "16 bit.tiff", _saved(_picture("I;16"), "tiff")
    yield "cmyk.tiff", _saved(_picture("CMYK"), "tiff")
    yield "pages.tiff", _saved(_picture(), "tiff", save_all=True, append_images=[_picture("L")])
    yield "plain.bmp", _saved(_picture(), "bmp")
    yield "plain.avif", _saved(_picture(), "avif")
    yield "turned.avif", _saved(_picture(), "avif", exif=exif(6))
    yield "xmp.avif", _saved(_picture(), "avif", xmp=packet())
    yield "plain.heic", heic()
    yield "turned.heic", heic(turns=1)


def embeddable() -> dict[str, bytes]:
    """The PNG, JPEG and WebP files, by name."""
    kinds = (("png", _pngs()), ("jpg", _jpegs()), ("webp", _webps()))
    return {f"{name} {end}.{end}": data for end, found in kinds for name, data in found}


def others() -> dict[str, bytes]:
    """Files of other formats, which hold no text of nb's."""
    return {f"other {name}": data for name, data in _others()}
