// Networks as exporters write them, with random weights by a seed: MobileNetV2 (Sandler et al. 2018,
// table 2), ResNet-18 and -50 (He et al. 2016, table 1) and a detector of YOLOv8's parts (C2f, SPPF, a path
// down and up, a head that decodes distances), the last two narrow. They need no download.
import { model } from './model.mjs'

class Net {
  constructor(seed) {
    Object.assign(this, { state: seed, nodes: [], constants: [], names: 0 })
  }
  next() {
    this.state = (this.state * 48271) % 2147483647
    return this.state / 2147483647
  }
  weight(dims, fan_in, gain = 6) {
    const bound = Math.sqrt(gain / fan_in)
    return this.constant('float32', dims, Array.from({ length: dims.reduce((a, b) => a * b, 1) }, () => (this.next() * 2 - 1) * bound))
  }
  constant(type, dims, values) {
    const name = `c${this.constants.length}`
    this.constants.push({ name, type, dims, values })
    return name
  }
  ints(...values) { return this.constant('int64', [values.length], values) }
  op(op, inputs, attrs = {}, outputs = 1) {
    const made = Array.from({ length: outputs }, () => `v${this.names++}`)
    this.nodes.push({ op, inputs, attrs, outputs: made })
    return outputs === 1 ? made[0] : made
  }
  conv(x, from, to, kernel, stride = 1, groups = 1) {
    const pad = kernel >> 1, fan_in = (from / groups) * kernel * kernel
    return this.op('Conv', [x, this.weight([to, from / groups, kernel, kernel], fan_in), this.weight([to], 600)], {
      kernel_shape: { is: [kernel, kernel] }, strides: { is: [stride, stride] }, pads: { is: [pad, pad, pad, pad] },
      dilations: { is: [1, 1] }, group: { i: groups },
    })
  }
  norm(x, channels) {
    const positive = (low) => this.constant('float32', [channels], Array.from({ length: channels }, () => low + this.next()))
    return this.op('BatchNormalization', [x, positive(0.5), this.weight([channels], 60), this.weight([channels], 60), positive(0.5)], { epsilon: { f: 1e-5 } })
  }
  relu6(x) {
    this.low ??= this.constant('float32', [], [0])
    this.high ??= this.constant('float32', [], [6])
    return this.op('Clip', [x, this.low, this.high])
  }
  silu(x) { return this.op('Mul', [x, this.op('Sigmoid', [x])]) }
  classify(x, from, classes) {
    const pooled = this.op('Flatten', [this.op('GlobalAveragePool', [x])], { axis: { i: 1 } })
    return this.op('Gemm', [pooled, this.weight([classes, from], from), this.weight([classes], 600)], { alpha: { f: 1 }, beta: { f: 1 }, transB: { i: 1 } })
  }
  bytes(opset, dims, outputs) {
    return model(opset, { nodes: this.nodes, constants: this.constants, inputs: [{ name: 'x', dims }], outputs: outputs.map((name) => ({ name })) })
  }
}

function mobilenet_v2(height, width) {
  const net = new Net(2)
  let x = net.relu6(net.norm(net.conv('x', 3, 32, 3, 2), 32)), from = 32
  for (const [expand, to, repeat, stride] of [[1, 16, 1, 1], [6, 24, 2, 2], [6, 32, 3, 2], [6, 64, 4, 2], [6, 96, 3, 1], [6, 160, 3, 2], [6, 320, 1, 1]]) {
    for (let i = 0; i < repeat; ++i) {
      const wide = from * expand, input = x
      if (expand > 1) x = net.relu6(net.conv(x, from, wide, 1))
      x = net.relu6(net.conv(x, wide, wide, 3, i === 0 ? stride : 1, wide))
      x = net.norm(net.conv(x, wide, to, 1), to)
      if (from === to && (i > 0 || stride === 1)) x = net.op('Add', [input, x])
      from = to
    }
  }
  return net.bytes(13, ['batch', 3, height, width], [net.classify(net.relu6(net.conv(x, 320, 1280, 1)), 1280, 100)])
}

/// MCUNet-5fps (Lin et al. 2020, as mcunet-5fps_imagenet.json lists it), its batch norms folded.
function mcunet_5fps() {
  const net = new Net(11)
  let x = net.relu6(net.conv('x', 3, 16, 3, 2)), from = 16
  for (const [wide, to, kernel, stride] of [[16, 8, 3, 1], [32, 16, 3, 2], [48, 16, 3, 1], [48, 24, 7, 2], [120, 24, 3, 1],
    [120, 40, 3, 2], [160, 40, 7, 1], [160, 48, 5, 1], [144, 48, 3, 1], [192, 48, 3, 1], [240, 96, 7, 2], [384, 96, 5, 1],
    [384, 96, 5, 1], [576, 160, 3, 1]]) {
    const input = x
    if (wide !== from) x = net.relu6(net.conv(x, from, wide, 1))
    x = net.conv(net.relu6(net.conv(x, wide, wide, kernel, stride, wide)), wide, to, 1)
    if (from === to && stride === 1) x = net.op('Add', [input, x])
    from = to
  }
  return net.bytes(13, ['batch', 3, 128, 128], [net.classify(x, 160, 10)])
}

/// `blocks` of each stage, whose width doubles from stage to stage; a bottleneck's result has four times it.
function resnet({ seed, dims, width, blocks, bottleneck = false, classes }) {
  const net = new Net(seed)
  let x = net.op('Relu', [net.norm(net.conv('x', 3, width, 7, 2), width)]), from = width
  x = net.op('MaxPool', [x], { kernel_shape: { is: [3, 3] }, strides: { is: [2, 2] }, pads: { is: [1, 1, 1, 1] } })
  const relu = (value) => net.op('Relu', [value])
  for (const [stage, count] of blocks.entries()) {
    const inside = width << stage, to = bottleneck ? 4 * inside : inside
    for (let i = 0; i < count; ++i) {
      const stride = stage > 0 && i === 0 ? 2 : 1
      const conv = (value, a, b, kernel, step = 1) => net.norm(net.conv(value, a, b, kernel, step), b)
      const residual = bottleneck
        ? conv(relu(conv(relu(conv(x, from, inside, 1)), inside, inside, 3, stride)), inside, to, 1)
        : conv(relu(conv(x, from, inside, 3, stride)), inside, inside, 3)
      x = relu(net.op('Add', [residual, stride === 1 && from === to ? x : conv(x, from, to, 1, stride)]))
      from = to
    }
  }
  return net.bytes(11, dims, [net.classify(x, from, classes)])
}
const small_resnet18 = () => resnet({ seed: 3, dims: [1, 3, 96, 96], width: 16, blocks: [2, 2, 2, 2], classes: 100 })
const full = ['batch', 3, 224, 224]

/// Its best candidates, those that no better one of their class overlaps, as rows of box, score and class.
function detections(net, placed, scores) {
  const ints = (...values) => net.ints(...values), number = (value) => net.constant('float32', [1], [value])
  const turn = (x) => net.op('Transpose', [x], { perm: { is: [0, 2, 1] } })
  const [, best] = net.op('TopK', [net.op('ReduceMax', [scores], { axes: { is: [1] }, keepdims: { i: 0 } }), ints(60)], {}, 2)
  const at = net.op('Unsqueeze', [best, ints(2)])
  const pick = (x) => net.op('GatherND', [turn(x), at], { batch_dims: { i: 1 } })
  const boxes = pick(placed), of_class = turn(pick(scores))
  const selected = net.op('NonMaxSuppression', [boxes, of_class, ints(10), number(0.45), number(0.25)], { center_point_box: { i: 1 } })
  const columns = (from, to) => net.op('Slice', [selected, ints(from), ints(to), ints(1)])
  const one = (column) => net.op('Squeeze', [columns(column, column + 1), ints(1)])
  const first = (x) => net.op('Squeeze', [x, ints(0)])
  const score = net.op('GatherND', [first(of_class), columns(1, 3)])
  const as_column = (x) => net.op('Unsqueeze', [x, ints(1)])
  return net.op('Concat', [net.op('Gather', [first(boxes), one(2)]), as_column(score), as_column(net.op('Cast', [one(1)], { to: { i: 1 } }))], { axis: { i: 1 } })
}

function yolo(selects = false) {
  const net = new Net(5), classes = 8, bins = 16
  const cbs = (x, from, to, kernel, stride = 1) => net.silu(net.conv(x, from, to, kernel, stride))
  const c2f = (x, from, to, residual) => {
    const half = to / 2
    const [a, b] = net.op('Split', [cbs(x, from, to, 1), net.ints(half, half)], { axis: { i: 1 } }, 2)
    const c = cbs(cbs(b, half, half, 3), half, half, 3)
    return cbs(net.op('Concat', [a, b, residual ? net.op('Add', [b, c]) : c], { axis: { i: 1 } }), 3 * half, to, 1)
  }
  const pool = (x) => net.op('MaxPool', [x], { kernel_shape: { is: [5, 5] }, pads: { is: [2, 2, 2, 2] }, strides: { is: [1, 1] } })
  const up = (x) => net.op('Resize', [x, '', net.constant('float32', [4], [1, 1, 2, 2])],
    { mode: { s: 'nearest' }, coordinate_transformation_mode: { s: 'asymmetric' }, nearest_mode: { s: 'floor' } })
  const join = (...parts) => net.op('Concat', parts, { axis: { i: 1 } })
  const p3 = c2f(cbs(c2f(cbs(cbs('x', 3, 8, 3, 2), 8, 16, 3, 2), 16, 16, true), 16, 32, 3, 2), 32, 32, true)
  const p4 = c2f(cbs(p3, 32, 64, 3, 2), 64, 64, true)
  const p5 = c2f(cbs(p4, 64, 128, 3, 2), 128, 128, true)
  const s0 = cbs(p5, 128, 64, 1), s1 = pool(s0), s2 = pool(s1)
  const top = cbs(join(s0, s1, s2, pool(s2)), 256, 128, 1)
  const n4 = c2f(join(up(top), p4), 192, 64, false)
  const n3 = c2f(join(up(n4), p3), 96, 32, false)
  const heads = [[n3, 32, 8], [n4, 64, 16], [top, 128, 32]].map(([x, from, stride]) => {
    const size = 64 / stride
    const boxes = net.conv(cbs(x, from, 64, 3), 64, 4 * bins, 1), scores = net.conv(cbs(x, from, 32, 3), 32, classes, 1)
    return { stride, size, flat: net.op('Reshape', [join(boxes, scores), net.ints(1, 4 * bins + classes, -1)]) }
  })
  const [boxes, scores] = net.op('Split', [net.op('Concat', heads.map((h) => h.flat), { axis: { i: 2 } }), net.ints(4 * bins, classes)], { axis: { i: 1 } }, 2)
  const spread = net.op('Softmax', [net.op('Transpose', [net.op('Reshape', [boxes, net.ints(1, 4, bins, -1)])], { perm: { is: [0, 2, 1, 3] } })], { axis: { i: 1 } })
  const mean = net.constant('float32', [1, bins, 1, 1], Array.from({ length: bins }, (_, i) => i))
  const far = net.op('Reshape', [net.op('Conv', [spread, mean], { kernel_shape: { is: [1, 1] } }), net.ints(1, 4, -1)])
  const points = heads.flatMap(({ size, stride }) => Array.from({ length: size * size }, (_, i) => [(i % size) + 0.5, Math.floor(i / size) + 0.5, stride]))
  const row = (values, dims) => net.constant('float32', dims, values)
  const anchors = row([...points.map((p) => p[0]), ...points.map((p) => p[1])], [1, 2, points.length])
  const side = (from, to) => net.op('Slice', [far, net.ints(from), net.ints(to), net.ints(1), net.ints(1)])
  const near_edge = net.op('Sub', [anchors, side(0, 2)]), far_edge = net.op('Add', [anchors, side(2, 4)])
  const middle = net.op('Div', [net.op('Add', [near_edge, far_edge]), row([2], [])])
  const placed = net.op('Mul', [net.op('Concat', [middle, net.op('Sub', [far_edge, near_edge])], { axis: { i: 1 } }), row(points.map((p) => p[2]), [1, points.length])])
  if (selects) return net.bytes(17, [1, 3, 64, 64], [detections(net, placed, net.op('Sigmoid', [net.op('Mul', [scores, row([20], [])])]))])
  return net.bytes(17, [1, 3, 64, 64], [net.op('Concat', [placed, net.op('Sigmoid', [scores])], { axis: { i: 1 } })])
}

export const made = {
  'mobilenet-v2': () => mobilenet_v2('height', 'width'), 'mobilenet-v2-224': () => mobilenet_v2(224, 224),
  'mcunet-5fps': mcunet_5fps, 'resnet-18': small_resnet18, yolo: () => yolo(), 'yolo-selecting': () => yolo(true),
  'resnet-18-full': () => resnet({ seed: 3, dims: full, width: 64, blocks: [2, 2, 2, 2], classes: 1000 }),
  'resnet-50-full': () => resnet({ seed: 7, dims: full, width: 64, blocks: [3, 4, 6, 3], bottleneck: true, classes: 1000 }),
}
