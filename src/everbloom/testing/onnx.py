"""A small ONNX model, written field by field: what the preview reads by hand must not be written by the same hand."""


def _varint(value: int) -> bytes:
    data = bytearray()
    while value > 0x7F:
        data.append(value & 0x7F | 0x80)
        value >>= 7
    data.append(value)
    return bytes(data)


def _number(field: int, value: int) -> bytes:
    return _varint(field << 3) + _varint(value)


def _message(field: int, data: bytes | str) -> bytes:
    content = data.encode() if isinstance(data, str) else data
    return _varint(field << 3 | 2) + _varint(len(content)) + content


def _port(name: str, *dims: int | str) -> bytes:
    shape = b"".join(_message(1, _number(1, d) if isinstance(d, int) else _message(2, d)) for d in dims)
    kind = _message(1, _number(1, 1) + _message(2, shape))
    return _message(1, name) + _message(2, kind)


def build_onnx(*, weights: bytes) -> bytes:
    """Return a model with one weight tensor of these bytes, three nodes, an input and an output."""
    rows = len(weights) // 4
    # dims are packed, as protobuf 3 writes them; a fixed32 field of no meaning must be stepped over
    tensor = _message(1, _varint(rows) + _varint(1)) + _number(2, 1) + _message(8, "weight") + _message(9, weights)
    nodes = b"".join(_message(1, _message(1, "x") + _message(4, kind)) for kind in ("Gemm", "Relu", "Gemm"))
    ports = _message(11, _port("x", "batch", 3)) + _message(12, _port("y", "batch"))
    graph = nodes + _message(2, "main") + _message(5, tensor) + ports
    head = _number(1, 8) + _message(2, "torch") + _message(3, "2.1") + (_varint(99 << 3 | 5) + bytes(4))
    return head + _message(7, graph) + _message(8, _message(1, "") + _number(2, 17))
