"""An ONNX model's graph, read by hand from the protocol buffer; weights are stepped over, never read.

Fields by number, from `onnx.proto3`: ModelProto 2 producer_name, 3 producer_version, 7 graph, 8 opset_import;
GraphProto 1 node, 2 name, 5 initializer, 11 input, 12 output; NodeProto 4 op_type; TensorProto 1 dims, 2 data_type,
8 name; ValueInfoProto 1 name, 2 type → 1 tensor_type → 1 elem_type, 2 shape → 1 dim → 1 dim_value, 2 dim_param.
"""

from collections import Counter
from collections.abc import Iterator
from typing import BinaryIO, NamedTuple

from everbloom.api.preview.types import ModelPort, ModelPreview, Tensor
from everbloom.core.errors import InvalidInput

_TYPES = (
    "undefined float32 uint8 int8 uint16 int16 int32 int64 string bool float16 float64 uint32 uint64 complex64 "
    "complex128 bfloat16 float8e4m3fn float8e4m3fnuz float8e5m2 float8e5m2fnuz uint4 int4 float4e2m1"
).split()
_BYTES_MAX = 64 * 1024  # of a field that is read; longer ones are weights and stepped over
_FIELDS_MAX = 2_000_000
_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5


class Field(NamedTuple):
    """A field of a message: its number, where its bytes stand, or its number's value."""

    number: int
    start: int
    end: int
    value: int


def read_onnx(file: BinaryIO, size: int, media_type: str, *, offset: int, limit: int) -> ModelPreview:
    """Return what a model takes, gives and is made of; weights by name, type and shape.

    Raises:
        InvalidInput: It is no ONNX model (`preview.onnx`).
    """
    model = ModelPreview(size, media_type, "", {}, "", [], [], {}, 0, offset, [])
    try:
        for field in _iter_fields(file, 0, size):
            if field.number in (2, 3) and field.end:
                model.producer = f"{model.producer} {_read_text(file, field)}".strip()
            elif field.number == 8:
                domain, version = _read_opset(file, field)
                model.opsets[domain or "ai.onnx"] = version
            elif field.number == 7:
                _read_graph(file, field, model, limit)
    except (ValueError, EOFError, IndexError) as error:
        raise _no_model(str(error) or "it ends too early") from error
    if not (model.inputs or model.outputs or model.operators):
        raise _no_model("it has no graph")
    return model


def _no_model(reason: str) -> InvalidInput:
    return InvalidInput(f"this file cannot be read as an ONNX model: {reason}. Download it.", code="preview.onnx")


def _read_graph(file: BinaryIO, graph: Field, model: ModelPreview, limit: int) -> None:
    operators: Counter[str] = Counter()
    for field in _iter_fields(file, graph.start, graph.end):
        if field.number == 1:
            parts = _iter_fields(file, field.start, field.end)
            operators.update(_read_text(file, part) for part in parts if part.number == 4)
        elif field.number == 2:
            model.graph = _read_text(file, field)
        elif field.number == 5:
            if model.offset <= model.total < model.offset + limit:
                model.tensors.append(_read_tensor(file, field))
            model.total += 1
        elif field.number in (11, 12):
            ports = model.inputs if field.number == 11 else model.outputs
            if len(ports) < 500:
                ports.append(_read_port(file, field))
    model.operators = dict(operators.most_common(200))


def _read_opset(file: BinaryIO, opset: Field) -> tuple[str, int]:
    domain, version = "", 0
    for field in _iter_fields(file, opset.start, opset.end):
        if field.number == 1:
            domain = _read_text(file, field)
        elif field.number == 2:
            version = field.value
    return domain, version


def _read_tensor(file: BinaryIO, tensor: Field) -> Tensor:
    found = Tensor("", _TYPES[0], [], tensor.end - tensor.start)
    for field in _iter_fields(file, tensor.start, tensor.end):
        if field.number == 1:
            found.shape += _read_numbers(file, field)
        elif field.number == 2:
            found.dtype = _name_type(field.value)
        elif field.number == 8:
            found.name = _read_text(file, field)
    return found


def _read_port(file: BinaryIO, port: Field) -> ModelPort:
    found = ModelPort("", _TYPES[0], [])
    for field in _iter_fields(file, port.start, port.end):
        if field.number == 1:
            found.name = _read_text(file, field)
        for kind in _iter_inner(file, field, (2, 1)):
            if kind.number == 1:
                found.dtype = _name_type(kind.value)
            found.shape += [_read_dimension(file, dim) for dim in _iter_inner(file, kind, (2,)) if dim.number == 1]
    return found


def _iter_inner(file: BinaryIO, field: Field, path: tuple[int, ...]) -> Iterator[Field]:
    """Yield the fields of the messages that a path of field numbers leads to, `field` being the first of them."""
    if field.number != path[0] or not field.end:
        return
    for inner in _iter_fields(file, field.start, field.end):
        if len(path) == 1:
            yield inner
        else:
            yield from _iter_inner(file, inner, path[1:])


def _read_dimension(file: BinaryIO, dim: Field) -> str:
    for field in _iter_fields(file, dim.start, dim.end):
        return str(field.value) if field.number == 1 else _read_text(file, field)
    return ""


def _name_type(number: int) -> str:
    return _TYPES[number] if number < len(_TYPES) else f"type {number}"


def _read_numbers(file: BinaryIO, field: Field) -> list[int]:
    """Return a repeated number, packed or not."""
    if not field.end:
        return [field.value]
    file.seek(field.start)
    numbers = []
    while file.tell() < field.end:
        numbers.append(_read_varint(file))
    return numbers


def _read_text(file: BinaryIO, field: Field) -> str:
    file.seek(field.start)
    return file.read(min(field.end - field.start, _BYTES_MAX)).decode("utf-8", "replace")


def _iter_fields(file: BinaryIO, start: int, end: int) -> Iterator[Field]:
    """Yield the fields of the message in a part of a file; what is inside of them is stepped over.

    Raises:
        ValueError: This is no message.
        EOFError: The file ends within it.
    """
    position = start
    for _ in range(_FIELDS_MAX):
        if position >= end:
            return
        file.seek(position)
        key = _read_varint(file)
        number, wire = key >> 3, key & 7
        value, first, position = 0, 0, file.tell()
        if wire == _VARINT:
            value, position = _read_varint(file), file.tell()
        elif wire == _BYTES:
            length = _read_varint(file)
            first = file.tell()
            position = first + length
        elif wire in (_FIXED64, _FIXED32):
            position += 8 if wire == _FIXED64 else 4
        else:
            raise ValueError(f"a field of an unknown type {wire} at byte {position}")
        if not number or position > end:
            raise ValueError(f"a field that does not fit at byte {position}")
        yield Field(number, first, position if wire == _BYTES else 0, value)


def _read_varint(file: BinaryIO) -> int:
    value = 0
    for shift in range(0, 70, 7):
        byte = file.read(1)
        if not byte:
            raise EOFError
        value |= (byte[0] & 0x7F) << shift
        if byte[0] < 0x80:
            return value
    raise ValueError("a number of more than ten bytes")
