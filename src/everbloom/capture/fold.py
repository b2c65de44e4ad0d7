"""Turn printed bytes into text worth keeping: whole lines, each as it last looked.

A progress bar repaints its line with carriage returns a thousand times; what stays on the screen is the last
repaint, and that is kept. Bytes that are not UTF-8 become replacement characters. Works on bytes up to the
last line's end, so that the offset of what was taken is exact and nothing is split within a character.
"""

from collections.abc import Iterator

PIECE_MAX_BYTES = 16_384  # of one record; invalid bytes triple when decoded, and 48 KiB still fit


def iter_pieces(data: bytes, *, is_end: bool) -> Iterator[tuple[str, int]]:
    """Yield (text, bytes taken so far) of what can be kept for good.

    Args:
        data: Printed bytes from where the last call's count ended.
        is_end: Nothing will follow: an unfinished last line is given too.

    The rest, an unfinished line shorter than a piece, or one that is still being repainted, is left for the
    next call. Text that does not end with a line feed goes on in the next piece; empty text only moves on.
    """
    end = len(data) if is_end else data.rfind(b"\n") + 1
    if b"\r" in data:
        yield from _iter_repainted(data, end)
    else:
        for start, stop in _iter_cuts(data, 0, end):
            yield _decode(data[start:stop]), stop
    if not is_end and len(data) - end >= PIECE_MAX_BYTES:
        yield from _iter_open_line(data, end)


def _iter_cuts(data: bytes, start: int, end: int) -> Iterator[tuple[int, int]]:
    while start < end:
        stop = _find_stop(data, start, end)
        yield start, stop
        start = stop


def _find_stop(data: bytes, start: int, end: int) -> int:
    if end - start <= PIECE_MAX_BYTES:
        return end
    stop = data.rfind(b"\n", start, start + PIECE_MAX_BYTES) + 1
    if stop > start:
        return stop
    stop = start + PIECE_MAX_BYTES
    for back in range(1, 4):  # not between the bytes of one character
        if data[stop - back] >= 0xC0:
            return stop - back
        if data[stop - back] < 0x80:
            break
    return stop


def _iter_repainted(data: bytes, end: int) -> Iterator[tuple[str, int]]:
    texts: list[str] = []
    room, start = PIECE_MAX_BYTES, 0
    while start < end:
        stop = data.find(b"\n", start, end) + 1 or end
        for begin, cut in _iter_cuts(data, _find_last_repaint(data, start, stop), stop):
            if cut - begin > room:
                yield "".join(texts), begin
                texts, room = [], PIECE_MAX_BYTES
            texts.append(_decode(data[begin:cut]).replace("\r", ""))
            room -= cut - begin
        start = stop
    if end:
        yield "".join(texts), end


def _find_last_repaint(data: bytes, start: int, stop: int) -> int:
    visible = stop  # of the line, without what ends it
    while visible > start and data[visible - 1] in b"\r\n":
        visible -= 1
    return data.rfind(b"\r", start, visible) + 1 or start


def _iter_open_line(data: bytes, start: int) -> Iterator[tuple[str, int]]:
    # A line that gets longer and longer must not be held for ever; of a repainted one, the past goes.
    repaint = _find_last_repaint(data, start, len(data))
    if repaint > start:
        yield "", repaint
    for begin, stop in _iter_cuts(data, repaint, len(data)):
        if stop - begin >= PIECE_MAX_BYTES - 4:
            yield _decode(data[begin:stop]).replace("\r", ""), stop


def _decode(data: bytes) -> str:
    return data.decode("utf-8", "replace")
