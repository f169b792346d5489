// Small ONNX models as bytes: nodes and constants, written by hand as protobuf messages.
const types = { float32: 1, uint8: 2, int8: 3, int32: 6, int64: 7, bool: 9, float64: 11 }
const arrays = {
  float32: Float32Array, uint8: Uint8Array, int8: Int8Array, int32: Int32Array,
  int64: BigInt64Array, bool: Uint8Array, float64: Float64Array,
}

const varint = (value) => {
  let rest = BigInt.asUintN(64, BigInt(value))
  const bytes = []
  for (; rest > 127n; rest >>= 7n) bytes.push(Number(rest & 127n) | 128)
  return Buffer.from([...bytes, Number(rest)])
}
const int = (field, value) => Buffer.concat([varint(field << 3), varint(value)])
const bytes = (field, value) => {
  const body = Buffer.from(value)
  return Buffer.concat([varint((field << 3) | 2), varint(body.length), body])
}
const float = (field, value) => Buffer.concat([varint((field << 3) | 5), Buffer.from(new Float32Array([value]).buffer)])
const join = (...parts) => Buffer.concat(parts.flat())

export const typed = (type, values) =>
  arrays[type].from(values, (value) => (type === 'int64' ? BigInt(value) : Number(value)))

const tensor = ({ name = '', type, dims, values }) => {
  const data = typed(type, values)
  return join(dims.map((d) => int(1, d)), int(2, types[type]), bytes(8, name),
    bytes(9, Buffer.from(data.buffer, data.byteOffset, data.byteLength)))
}

// Attributes are {i: 1}, {f: 0.5}, {s: 'text'}, {is: [1, 2]}, {fs: [0.5]}, {t: constant} or {g: graph}.
const attribute = (name, value) => {
  const [kind] = Object.keys(value)
  const v = value[kind]
  const body = {
    i: () => [int(3, v), int(20, 2)],
    f: () => [float(2, v), int(20, 1)],
    s: () => [bytes(4, v), int(20, 3)],
    is: () => [...v.map((x) => int(8, x)), int(20, 7)],
    fs: () => [...v.map((x) => float(7, x)), int(20, 6)],
    t: () => [bytes(5, tensor(v)), int(20, 4)],
    g: () => [bytes(6, graph(v)), int(20, 5)],
  }[kind]()
  return join(bytes(1, name), body)
}

const node = ({ op, inputs, outputs, attrs = {} }, index) => join(
  inputs.map((name) => bytes(1, name)), outputs.map((name) => bytes(2, name)),
  bytes(3, `${op}_${index}`), bytes(4, op),
  Object.entries(attrs).map(([name, value]) => bytes(5, attribute(name, value))))

const info = ({ name, type = 'float32', dims }) => {
  const shape = dims && bytes(2, join(dims.map((d) => bytes(1, typeof d === 'string' ? bytes(2, d) : int(1, d)))))
  return join(bytes(1, name), bytes(2, bytes(1, join(int(1, types[type]), shape ?? []))))
}

const graph = ({ nodes, constants = [], inputs = [], outputs }) => join(
  nodes.map((n, i) => bytes(1, node(n, i))), bytes(2, 'g'), constants.map((c) => bytes(5, tensor(c))),
  inputs.map((i) => bytes(11, info(i))), outputs.map((o) => bytes(12, info(o))))

export const model = (opset, body) =>
  join(int(1, opset > 20 ? 10 : 8), bytes(7, graph(body)), bytes(8, join(bytes(1, ''), int(2, opset))))
