// Operators of ONNX in small models: what tests/engine/onnx holds Verge to. Each case is
// [name, opset, nodes, inputs, constants]; a node is [op, inputs, attributes, outputs = ['y']].
// Numbers come from one generator, so the captured file changes only where a case does.
let state = 1
const next = () => (state = (state * 48271) % 2147483647) / 2147483647
const round = (x) => Math.round(x * 1000) / 1000
const count = (dims) => dims.reduce((a, b) => a * b, 1)

export const random = (name, dims, low = -1, high = 1) =>
  ({ name, type: 'float32', dims, values: Array.from({ length: count(dims) }, () => round(low + next() * (high - low))) })
const given = (name, type, dims, values) => ({ name, type, dims, values })
const ints = (name, values, dims = [values.length]) => given(name, 'int64', dims, values)
const floats = (name, values, dims = [values.length]) => given(name, 'float32', dims, values)
const bools = (name, values, dims = [values.length]) => given(name, 'bool', dims, values)

const i = (v) => ({ i: v }), f = (v) => ({ f: v }), s = (v) => ({ s: v }), is = (...v) => ({ is: v })
const cases = []
const add = (name, opset, nodes, inputs, constants = []) => cases.push({
  name, opset, inputs, constants,
  nodes: nodes.map(([op, ins, attrs = {}, outputs = ['y']]) => ({ op, inputs: ins, attrs, outputs })),
})
const unary = (op, opset = 17, attrs = {}, low = -2, high = 2, name = op) =>
  add(name, opset, [[op, ['x'], attrs]], [random('x', [2, 5], low, high)])

// Element by element
for (const op of ['Relu', 'Sigmoid', 'Tanh', 'Exp', 'Erf', 'Neg', 'Abs', 'Floor', 'Ceil', 'Softplus', 'Softsign', 'HardSwish'])
  unary(op)
for (const op of ['Sqrt', 'Log', 'Reciprocal']) unary(op, 17, {}, 0.1, 3)
unary('Elu', 17, { alpha: f(0.7) })
unary('Selu')
unary('Celu', 17, { alpha: f(0.8) })
unary('ThresholdedRelu', 17, { alpha: f(0.5) })
unary('LeakyRelu', 17, { alpha: f(0.1) })
unary('HardSigmoid')
unary('HardSigmoid', 17, { alpha: f(0.1666666716337204), beta: f(0.5) }, -4, 4, 'HardSigmoid of MobileNet')
unary('Mish', 18)
unary('Gelu', 20)
unary('Gelu', 20, { approximate: s('tanh') }, -2, 2, 'Gelu tanh')
add('Sign', 17, [['Sign', ['x']]], [floats('x', [-2, -0, 0, 0.5, 3])])
add('Round', 17, [['Round', ['x']]], [floats('x', [-1.5, -0.5, 0.5, 1.5, 2.5, 2.4])])
add('PRelu', 17, [['PRelu', ['x', 'a']]], [random('x', [1, 3, 2, 2])], [random('a', [3, 1, 1], 0, 1)])
add('Clip attributes', 7, [['Clip', ['x'], { min: f(-0.5), max: f(0.5) }]], [random('x', [6])])
add('Clip inputs', 13, [['Clip', ['x', 'lo', 'hi']]], [random('x', [6])], [floats('lo', [-0.25], []), floats('hi', [0.5], [])])
add('Clip above', 13, [['Clip', ['x', '', 'hi']]], [random('x', [6])], [floats('hi', [0.25], [])])
for (const op of ['Add', 'Sub', 'Mul', 'Div', 'Pow'])
  add(`${op} broadcast`, 17, [[op, ['a', 'b']]], [random('a', [2, 1, 3], 0.5, 2), random('b', [4, 1], 0.5, 2)])
add('Add channel', 17, [['Add', ['a', 'b']]], [random('a', [2, 3, 2, 4])], [random('b', [1, 3, 1, 1])])
add('Mul gate', 17, [['Mul', ['a', 'b']]], [random('a', [2, 3, 2, 4]), random('b', [2, 3, 1, 1])])
add('Sub scalar first', 17, [['Sub', ['c', 'x']]], [random('x', [2, 3])], [floats('c', [1], [])])
add('Pow square', 17, [['Pow', ['x', 'p']]], [random('x', [2, 3])], [floats('p', [2], [])])
add('Div integers', 17, [['Div', ['a', 'b']]], [ints('a', [7, -7, 9, 4])], [ints('b', [2, 2, -4, 4])])
add('Mod integers', 17, [['Mod', ['a', 'b']]], [ints('a', [7, -7, 9, 4])], [ints('b', [3, 3, -4, 4])])
add('Mod fmod', 17, [['Mod', ['a', 'b'], { fmod: i(1) }]], [floats('a', [7.5, -7.5, 9, 4])], [floats('b', [3, 3, -4, 4])])
for (const op of ['Max', 'Min', 'Sum', 'Mean'])
  add(op, 13, [[op, ['a', 'b', 'c']]], [random('a', [2, 3]), random('b', [2, 3]), random('c', [3])])
// Truth
for (const op of ['Equal', 'Less', 'LessOrEqual', 'Greater', 'GreaterOrEqual'])
  add(op, 17, [[op, ['a', 'b']]], [floats('a', [1, 2, 3, 4]), floats('b', [1, 3, 2, 4])])
for (const op of ['And', 'Or', 'Xor'])
  add(op, 17, [[op, ['a', 'b']]], [bools('a', [0, 0, 1, 1]), bools('b', [0, 1, 0, 1])])
add('Not', 17, [['Not', ['a']]], [bools('a', [0, 1, 1])])
add('IsNaN', 17, [['Div', ['a', 'b'], {}, ['q']], ['IsNaN', ['q']]], [floats('a', [0, 1]), floats('b', [0, 1])])
add('Where', 17, [['Where', ['c', 'a', 'b']]], [bools('c', [1, 0, 1], [3, 1]), random('a', [3, 2]), random('b', [2])])
// Types
add('Cast to integers', 17, [['Cast', ['x'], { to: i(7) }]], [floats('x', [-1.7, -0.2, 0.9, 2.5])])
add('Cast to bool', 17, [['Cast', ['x'], { to: i(9) }]], [floats('x', [-1.7, 0, 0.2])])
add('Cast from integers', 17, [['Cast', ['x'], { to: i(1) }]], [ints('x', [-3, 0, 16777216])])
add('Cast from bool', 17, [['Cast', ['x'], { to: i(1) }]], [bools('x', [1, 0])])
add('CastLike', 17, [['CastLike', ['x', 'l']]], [floats('x', [-1.5, 2.5])], [ints('l', [0])])
// Shapes
add('Shape chain', 17, [
  ['Shape', ['x'], {}, ['s']], ['Gather', ['s', 'zero'], { axis: i(0) }, ['n']],
  ['Unsqueeze', ['n', 'axis'], {}, ['n1']], ['Concat', ['n1', 'rest'], { axis: i(0) }, ['to']],
  ['Reshape', ['x', 'to']]],
[random('x', [2, 3, 4])], [ints('zero', [0], []), ints('axis', [0]), ints('rest', [-1])])
add('Shape part', 15, [['Shape', ['x'], { start: i(1), end: i(-1) }]], [random('x', [2, 3, 4])])
add('Size', 17, [['Size', ['x']]], [random('x', [2, 3, 4])])
add('Reshape zero', 13, [['Reshape', ['x', 'to']]], [random('x', [2, 3, 4])], [ints('to', [0, -1])])
add('Flatten', 13, [['Flatten', ['x'], { axis: i(2) }]], [random('x', [2, 3, 4, 1])])
add('Squeeze attribute', 11, [['Squeeze', ['x'], { axes: is(1) }]], [random('x', [2, 1, 3, 1])])
add('Squeeze all', 13, [['Squeeze', ['x']]], [random('x', [2, 1, 3, 1])])
add('Unsqueeze input', 13, [['Unsqueeze', ['x', 'a']]], [random('x', [2, 3])], [ints('a', [0, -1])])
add('Transpose', 13, [['Transpose', ['x'], { perm: is(2, 0, 1) }]], [random('x', [2, 3, 4])])
add('Transpose reversed', 13, [['Transpose', ['x']]], [random('x', [2, 3, 4])])
for (const mode of ['DCR', 'CRD'])
  add(`DepthToSpace ${mode}`, 13, [['DepthToSpace', ['x'], { blocksize: i(2), mode: s(mode) }]], [random('x', [1, 8, 2, 3])])
add('SpaceToDepth', 13, [['SpaceToDepth', ['x'], { blocksize: i(2) }]], [random('x', [1, 2, 4, 6])])
// Parts
add('Concat', 13, [['Concat', ['a', 'b'], { axis: i(-1) }]], [random('a', [2, 3]), random('b', [2, 2])])
add('Gather rows', 13, [['Gather', ['x', 'i'], { axis: i(1) }]], [random('x', [2, 4, 3])], [ints('i', [3, 0, -2, 1], [2, 2])])
add('Gather by input', 13, [['Gather', ['x', 'i'], { axis: i(0) }]], [random('x', [4, 3]), ints('i', [3, 0, -2])])
add('Slice attributes', 9, [['Slice', ['x'], { axes: is(1), starts: is(1), ends: is(-1) }]], [random('x', [2, 5])])
add('Slice steps', 13, [['Slice', ['x', 's', 'e', 'a', 't']]], [random('x', [5, 6])],
  [ints('s', [4, 1]), ints('e', [-9, 6]), ints('a', [0, 1]), ints('t', [-2, 3])])
add('Slice to the end', 13, [['Slice', ['x', 's', 'e']]], [random('x', [3, 4])],
  [ints('s', [1, -2]), ints('e', ['9223372036854775807', '9223372036854775807'])])
add('Split even', 13, [['Split', ['x'], { axis: i(1) }, ['y', 'z']]], [random('x', [2, 6])])
add('Split sizes', 13, [['Split', ['x', 's'], { axis: i(1) }, ['y', 'z']]], [random('x', [2, 5])], [ints('s', [2, 3])])
add('Split uneven', 18, [['Split', ['x'], { axis: i(0), num_outputs: i(2) }, ['y', 'z']]], [random('x', [5, 2])])
add('Expand', 13, [['Expand', ['x', 's']]], [random('x', [3, 1])], [ints('s', [2, 1, 4])])
add('Tile', 13, [['Tile', ['x', 'r']]], [random('x', [2, 3])], [ints('r', [2, 2])])
add('ConstantOfShape', 13, [['ConstantOfShape', ['s'], { value: { t: floats('', [0.5]) } }, ['c']], ['Add', ['x', 'c']]],
  [random('x', [2, 3])], [ints('s', [2, 3])])
add('Range', 13, [['Range', ['a', 'b', 'c'], {}, ['r']], ['Cast', ['r'], { to: i(1) }, ['q']], ['Add', ['x', 'q']]],
  [random('x', [4])], [ints('a', [1], []), ints('b', [9], []), ints('c', [2], [])])
for (const mode of ['constant', 'reflect', 'edge'])
  add(`Pad ${mode}`, 13, [['Pad', ['x', 'p'], { mode: s(mode) }]], [random('x', [1, 1, 3, 4])], [ints('p', [0, 0, 1, 2, 0, 0, 2, 1])])
add('Pad wrap', 19, [['Pad', ['x', 'p'], { mode: s('wrap') }]], [random('x', [3, 4])], [ints('p', [1, 2, 2, 1])])
add('Pad value and cut', 13, [['Pad', ['x', 'p', 'v']]], [random('x', [3, 4])], [ints('p', [1, -1, 0, 2]), floats('v', [7], [])])
add('Pad axes', 18, [['Pad', ['x', 'p', '', 'a']]], [random('x', [2, 3, 4])], [ints('p', [1, 2]), ints('a', [-1])])
// Convolutions
const conv = (name, x, w, attrs, bias = true, op = 'Conv') =>
  add(name, 17, [[op, bias ? ['x', 'w', 'b'] : ['x', 'w'], attrs]], [random('x', x)],
    bias ? [random('w', w), random('b', [op === 'Conv' ? w[0] : w[1] * (attrs.group?.i ?? 1)])] : [random('w', w)])
conv('Conv', [1, 3, 5, 6], [4, 3, 3, 3], { pads: is(1, 1, 1, 1) })
conv('Conv strided', [2, 2, 6, 7], [3, 2, 3, 2], { strides: is(2, 3), pads: is(0, 1, 1, 0) }, false)
conv('Conv grouped', [1, 4, 5, 5], [6, 2, 3, 3], { group: i(2) })
conv('Conv depthwise', [1, 4, 5, 5], [4, 1, 3, 3], { group: i(4), pads: is(1, 1, 1, 1), strides: is(2, 1) })
conv('Conv dilated', [1, 2, 7, 7], [2, 2, 3, 3], { dilations: is(2, 2) })
conv('Conv same upper', [1, 1, 5, 6], [1, 1, 4, 2], { auto_pad: s('SAME_UPPER'), strides: is(2, 2) })
conv('Conv same lower', [1, 1, 5, 6], [1, 1, 4, 2], { auto_pad: s('SAME_LOWER'), strides: is(2, 2) })
conv('Conv valid', [1, 1, 5, 6], [1, 1, 4, 2], { auto_pad: s('VALID') })
conv('Conv line', [2, 3, 9], [4, 3, 3], { pads: is(1, 2), strides: is(2) })
conv('ConvTranspose', [1, 3, 3, 4], [3, 2, 2, 2], { strides: is(2, 2) }, true, 'ConvTranspose')
conv('ConvTranspose padded', [1, 2, 3, 3], [2, 2, 3, 3], { strides: is(2, 2), pads: is(1, 1, 1, 1), output_padding: is(1, 1) }, true, 'ConvTranspose')
conv('ConvTranspose grouped', [1, 4, 3, 3], [4, 1, 3, 3], { group: i(2) }, false, 'ConvTranspose')
conv('ConvTranspose shape', [1, 1, 3, 3], [1, 1, 3, 3], { strides: is(3, 2), output_shape: is(10, 8) }, false, 'ConvTranspose')
conv('ConvTranspose line', [1, 2, 5], [2, 3, 4], { strides: is(2), pads: is(1, 1) }, true, 'ConvTranspose')
// Pools
const pool = (name, op, dims, attrs, opset = 17) => add(name, opset, [[op, ['x'], attrs]], [random('x', dims)])
pool('MaxPool', 'MaxPool', [1, 2, 5, 6], { kernel_shape: is(3, 2), strides: is(2, 2), pads: is(1, 0, 1, 0) })
pool('MaxPool ceil', 'MaxPool', [1, 1, 5, 6], { kernel_shape: is(2, 3), strides: is(2, 2), ceil_mode: i(1) })
pool('MaxPool dilated', 'MaxPool', [1, 1, 6, 6], { kernel_shape: is(2, 2), dilations: is(2, 2) })
pool('MaxPool line', 'MaxPool', [1, 2, 7], { kernel_shape: is(3), strides: is(2) })
pool('AveragePool', 'AveragePool', [1, 2, 5, 6], { kernel_shape: is(3, 3), pads: is(1, 1, 1, 1), strides: is(2, 2) })
pool('AveragePool counted', 'AveragePool', [1, 1, 4, 4], { kernel_shape: is(3, 3), pads: is(1, 1, 1, 1), count_include_pad: i(1) })
pool('AveragePool ceil', 'AveragePool', [1, 1, 5, 5], { kernel_shape: is(2, 2), strides: is(2, 2), ceil_mode: i(1) })
pool('AveragePool same', 'AveragePool', [1, 1, 5, 5], { kernel_shape: is(3, 2), auto_pad: s('SAME_UPPER') })
pool('GlobalAveragePool', 'GlobalAveragePool', [2, 3, 4, 5], {})
pool('GlobalMaxPool', 'GlobalMaxPool', [2, 3, 4, 5], {})
// Products
add('MatMul known', 13, [['MatMul', ['a', 'b']]], [random('a', [2, 3, 4])], [random('b', [4, 5])])
add('MatMul free', 13, [['MatMul', ['a', 'b']]], [random('a', [3, 4]), random('b', [4, 5])])
add('MatMul batched', 13, [['MatMul', ['a', 'b']]], [random('a', [2, 1, 3, 4]), random('b', [5, 4, 2])])
add('MatMul vectors', 13, [['MatMul', ['a', 'b']]], [random('a', [4]), random('b', [4, 3])])
add('MatMul column', 13, [['MatMul', ['a', 'b']]], [random('a', [2, 3, 4]), random('b', [4])])
add('Gemm', 13, [['Gemm', ['a', 'b', 'c'], { transB: i(1) }]], [random('a', [2, 4])], [random('b', [3, 4]), random('c', [3])])
add('Gemm scaled', 13, [['Gemm', ['a', 'b', 'c'], { transA: i(1), alpha: f(0.5), beta: f(2) }]], [random('a', [4, 2])], [random('b', [4, 3]), random('c', [2, 1])])
add('Gemm free', 13, [['Gemm', ['a', 'b'], { transB: i(1) }]], [random('a', [2, 4]), random('b', [3, 4])])
// Normalizations
add('BatchNormalization', 15, [['BatchNormalization', ['x', 's', 'b', 'm', 'v']]], [random('x', [2, 3, 2, 2])],
  [random('s', [3]), random('b', [3]), random('m', [3]), random('v', [3], 0.5, 2)])
add('Conv and BatchNormalization', 15, [['Conv', ['x', 'w'], {}, ['c']], ['BatchNormalization', ['c', 's', 'b', 'm', 'v'], { epsilon: f(0.001) }, ['n']], ['Relu', ['n']]],
  [random('x', [1, 2, 4, 4])], [random('w', [3, 2, 3, 3]), random('s', [3]), random('b', [3]), random('m', [3]), random('v', [3], 0.5, 2)])
add('BatchNormalization line', 15, [['BatchNormalization', ['x', 's', 'b', 'm', 'v']]], [random('x', [2, 3, 4])],
  [random('s', [3]), random('b', [3]), random('m', [3]), random('v', [3], 0.5, 2)])
add('InstanceNormalization', 17, [['InstanceNormalization', ['x', 's', 'b']]], [random('x', [2, 3, 2, 3])], [random('s', [3]), random('b', [3])])
add('LayerNormalization', 17, [['LayerNormalization', ['x', 's', 'b']]], [random('x', [2, 3, 5])], [random('s', [5]), random('b', [5])])
add('LayerNormalization two axes', 17, [['LayerNormalization', ['x', 's'], { axis: i(-2), epsilon: f(0.01) }]], [random('x', [2, 3, 4])], [random('s', [3, 4])])
add('GroupNormalization', 21, [['GroupNormalization', ['x', 's', 'b'], { num_groups: i(2) }]], [random('x', [1, 4, 2, 3])], [random('s', [4]), random('b', [4])])
add('Softmax', 13, [['Softmax', ['x']]], [random('x', [2, 3, 4])])
add('Softmax middle', 13, [['Softmax', ['x'], { axis: i(1) }]], [random('x', [2, 3, 4])])
add('Softmax old', 11, [['Softmax', ['x'], { axis: i(1) }]], [random('x', [2, 3, 4])])
add('LogSoftmax', 13, [['LogSoftmax', ['x'], { axis: i(0) }]], [random('x', [3, 4])])
// Reductions
for (const op of ['ReduceMean', 'ReduceMax', 'ReduceMin', 'ReduceSumSquare', 'ReduceL1', 'ReduceL2', 'ReduceLogSumExp'])
  add(op, 13, [[op, ['x'], { axes: is(1, -1), keepdims: i(0) }]], [random('x', [2, 3, 4])])
add('ReduceSum', 13, [['ReduceSum', ['x', 'a']]], [random('x', [2, 3, 4])], [ints('a', [1])])
add('ReduceMean all', 13, [['ReduceMean', ['x']]], [random('x', [2, 3])])
add('ReduceMax input', 18, [['ReduceMax', ['x', 'a'], { keepdims: i(1) }]], [random('x', [2, 3, 4])], [ints('a', [-1])])
// Resize
const resize = (name, attrs, scales, sizes, opset = 13, dims = [1, 1, 3, 4]) =>
  add(`Resize ${name}`, opset, [['Resize', sizes ? ['x', '', '', 'z'] : ['x', '', 's'], attrs]], [random('x', dims)],
    sizes ? [ints('z', sizes)] : [floats('s', scales)])
resize('nearest', { mode: s('nearest') }, [1, 1, 2, 2])
resize('asymmetric floor', { mode: s('nearest'), coordinate_transformation_mode: s('asymmetric'), nearest_mode: s('floor') }, [1, 1, 2, 3])
resize('down', { mode: s('nearest'), nearest_mode: s('ceil') }, [1, 1, 0.6, 0.5])
resize('linear', { mode: s('linear') }, [1, 1, 2, 2])
resize('linear corners', { mode: s('linear'), coordinate_transformation_mode: s('align_corners') }, null, [1, 1, 5, 7])
resize('linear pytorch', { mode: s('linear'), coordinate_transformation_mode: s('pytorch_half_pixel') }, null, [1, 1, 1, 6])
resize('cubic', { mode: s('cubic') }, [1, 1, 2, 2])
resize('cubic outside', { mode: s('cubic'), exclude_outside: i(1), cubic_coeff_a: f(-0.5) }, null, [1, 1, 5, 3])
add('Resize of opset 10', 10, [['Resize', ['x', 's'], { mode: s('nearest') }]], [random('x', [1, 1, 2, 3])], [floats('s', [1, 1, 2, 2])])
add('Upsample', 9, [['Upsample', ['x', 's'], { mode: s('nearest') }]], [random('x', [1, 1, 2, 3])], [floats('s', [1, 1, 2, 3])])
// Recurrent
const recurrent = (name, op, gates, directions, attrs, outputs, extra = []) => {
  const h = 3
  add(name, 14, [[op, ['x', 'w', 'r', 'b', '', ...extra], { hidden_size: i(h), ...attrs }, outputs]],
    [random('x', [4, 2, 2]), ...(extra.includes('h') ? [random('h', [directions, 2, h])] : []), ...(extra.includes('c') ? [random('c', [directions, 2, h])] : [])],
    [random('w', [directions, gates * h, 2]), random('r', [directions, gates * h, h]), random('b', [directions, 2 * gates * h])])
}
recurrent('LSTM', 'LSTM', 4, 1, {}, ['y', 'yh', 'yc'], ['h', 'c'])
recurrent('LSTM reverse', 'LSTM', 4, 1, { direction: s('reverse') }, ['y', 'yh', 'yc'])
recurrent('LSTM both ways', 'LSTM', 4, 2, { direction: s('bidirectional') }, ['y', 'yh', 'yc'])
recurrent('GRU', 'GRU', 3, 1, {}, ['y', 'yh'], ['h'])
recurrent('GRU reset before', 'GRU', 3, 1, { linear_before_reset: i(1) }, ['y', 'yh'])
// Control
const branch = (op) => ({ g: { nodes: [{ op, inputs: ['x'], outputs: [`b${op}`] }], outputs: [{ name: `b${op}` }] } })
add('If by shape', 17, [
  ['Shape', ['x'], {}, ['s']], ['Gather', ['s', 'one'], { axis: i(0) }, ['n']], ['Equal', ['n', 'three'], {}, ['c']],
  ['If', ['c'], { then_branch: branch('Relu'), else_branch: branch('Neg') }]],
[random('x', [2, 3])], [ints('one', [1], []), ints('three', [3], [])])
add('Dropout', 13, [['Dropout', ['x']]], [random('x', [2, 3])])
add('Identity twice', 13, [['Identity', ['x']], ['Identity', ['x'], {}, ['z']]], [random('x', [2, 3])])

for (const op of ['ArgMax', 'ArgMin']) {
  add(op, 13, [[op, ['x'], { axis: i(1) }]], [floats('x', [1, 3, 3, 2, -1, 0, -5, -1, -1, 4, 4, 4], [2, 3, 2])])
  add(`${op} last`, 13, [[op, ['x'], { axis: i(-1), keepdims: i(0), select_last_index: i(1) }]], [floats('x', [1, 3, 3, 2, 2, 0], [2, 3])])
}
// Einsum
const einsum = (name, equation, ...dims) =>
  add(`Einsum ${name}`, 13, [['Einsum', dims.map((_, at) => 'ab'[at]), { equation: s(equation) }]], dims.map((d, at) => random('ab'[at], d)))
einsum('product', 'ij,jk->ik', [2, 3], [3, 4])
einsum('attention', 'bqhd,bkhd->bhqk', [1, 2, 3, 4], [1, 5, 3, 4])
einsum('values', 'bhqk, bkhd -> bqhd', [1, 3, 2, 5], [1, 5, 3, 4])
einsum('outer', 'i,j->ji', [3], [2])
einsum('sum and transpose', 'abc->ca', [2, 3, 4])
einsum('implicit', 'bi,bj', [2, 3], [2, 4])
einsum('summed apart', 'ija,jb->ib', [2, 3, 2], [3, 4])
// Quantization
const bytes = (name, values, dims = [values.length], type = 'uint8') => given(name, type, dims, values)
add('QuantizeLinear', 13, [['QuantizeLinear', ['x', 's', 'z']]], [floats('x', [-2, -0.5, 0, 0.25, 0.75, 1.25, 300])], [floats('s', [0.5], []), bytes('z', [3], [])])
add('QuantizeLinear int8', 13, [['QuantizeLinear', ['x', 's', 'z'], { axis: i(0) }]], [random('x', [2, 3], -9, 9)], [floats('s', [0.05, 0.5]), bytes('z', [-3, 4], [2], 'int8')])
add('DequantizeLinear', 13, [['DequantizeLinear', ['x', 's', 'z']]], [bytes('x', [0, 3, 128, 255], [2, 2])], [floats('s', [0.5, 0.25]), bytes('z', [3, 128])])
add('DequantizeLinear of weights', 13, [['DequantizeLinear', ['w', 's'], { axis: i(0) }, ['v']], ['Gemm', ['x', 'v'], { transB: i(1) }]], [random('x', [1, 3])],
  [floats('s', [0.5, 0.25]), bytes('w', [1, -2, 3, -4, 5, -128], [2, 3], 'int8')])
add('QuantizeLinear and back', 13, [['QuantizeLinear', ['x', 's', 'z'], {}, ['q']], ['DequantizeLinear', ['q', 's', 'z']]], [random('x', [2, 3])], [floats('s', [0.01], []), bytes('z', [7], [], 'int8')])
// What exporters write out, and what passes make one operator of
const chain = (name, nodes, constants, dims = [2, 3, 2, 5], low = -6, high = 6) =>
  add(name, 13, nodes, [random('x', dims, low, high)], constants)
const three = floats('three', [3], []), six = floats('six', [6], []), zero = floats('zero', [0], [])
const relu6 = [['Add', ['x', 'three'], {}, ['a']], ['Clip', ['a', 'zero', 'six'], {}, ['c']]]
chain('Hardswish divided last', [...relu6, ['Mul', ['x', 'c'], {}, ['m']], ['Div', ['m', 'six']]], [three, six, zero])
chain('Hardswish divided first', [...relu6, ['Div', ['c', 'six'], {}, ['d']], ['Mul', ['d', 'x']]], [three, six, zero])
chain('Hardswish by its gate', [['HardSigmoid', ['x'], { alpha: f(0.1666667), beta: f(0.5) }, ['g']], ['Mul', ['x', 'g']]], [])
chain('Gelu written out', [['Div', ['x', 'r'], {}, ['d']], ['Erf', ['d'], {}, ['e']], ['Add', ['e', 'one'], {}, ['s']], ['Mul', ['x', 's'], {}, ['m']], ['Mul', ['m', 'h']]],
  [floats('r', [Math.SQRT2], []), floats('one', [1], []), floats('h', [0.5], [])])
chain('LayerNorm written out', [
  ['ReduceMean', ['x'], { axes: is(-1) }, ['m']], ['Sub', ['x', 'm'], {}, ['d']], ['Pow', ['d', 'two'], {}, ['q']], ['ReduceMean', ['q'], { axes: is(-1) }, ['v']],
  ['Add', ['v', 'e'], {}, ['w']], ['Sqrt', ['w'], {}, ['r']], ['Div', ['d', 'r'], {}, ['n']], ['Mul', ['n', 's'], {}, ['k']], ['Add', ['k', 'b']]],
[floats('two', [2], []), floats('e', [0.001], []), random('s', [5]), random('b', [5])])
const around = { kernel_shape: is(3, 3), pads: is(1, 1, 1, 1) }, square = random('w', [3, 3, 3, 3]), point = random('v', [3, 3, 1, 1])
chain('Convolution between factors', [
  ['Mul', ['x', 's'], {}, ['p']], ['Conv', ['p', 'w'], around, ['c']], ['Mul', ['c', 's'], {}, ['q']], ['Add', ['q', 't'], {}, ['r']], ['Relu', ['r'], {}, ['u']],
  ['Mul', ['u', 'k'], {}, ['n']], ['Add', ['n', 't'], {}, ['o']], ['Conv', ['o', 'v']]],
[square, point, random('s', [1, 3, 1, 1]), random('t', [3, 1, 1]), floats('k', [0.7], [1])], [1, 3, 6, 5])
chain('Residuals', [
  ['Conv', ['x', 'w'], around, ['c']], ['Add', ['c', 'x'], {}, ['a']], ['Relu', ['a'], {}, ['r']],
  ['Conv', ['r', 'v'], {}, ['d']], ['Sigmoid', ['d'], {}, ['g']], ['Mul', ['d', 'g'], {}, ['u']], ['Add', ['r', 'u'], {}, ['o']],
  ['Conv', ['o', 'w'], around, ['e']], ['Clip', ['e', 'zero', 'six'], {}, ['k']], ['Conv', ['k', 'v'], {}, ['l']], ['Add', ['l', 'x']]],
[square, point, zero, six], [1, 3, 6, 5], -2, 2)

// Integers between
const levels = (name, dims, type, low, high) => given(name, type, dims, Array.from({ length: count(dims) }, () => Math.floor(low + next() * (high - low + 1))))
const scale = (name, ...values) => floats(name, values, values.length > 1 ? [values.length] : []), zero_point = (name, value, type = 'uint8') => given(name, type, [], [value])
const q_input = ['QuantizeLinear', ['x', 'xs', 'xz'], {}, ['q']], q_of_x = [scale('xs', 0.02), zero_point('xz', 110)], q_of_y = [scale('ys', 0.05), zero_point('yz', 100)]
const q_weight = [levels('w', [4, 3, 3, 3], 'int8', -127, 127), scale('ws', 0.01, 0.02, 0.005, 0.03), given('wz', 'int8', [4], [0, 0, 0, 0])]
const q_bias = levels('b', [4], 'int32', -3000, 3000)
add('QLinearConv', 13, [q_input, ['QLinearConv', ['q', 'xs', 'xz', 'w', 'ws', 'wz', 'ys', 'yz', 'b'], around, ['l']], ['DequantizeLinear', ['l', 'ys', 'yz']]],
  [random('x', [2, 3, 5, 4])], [...q_of_x, ...q_of_y, ...q_weight, q_bias])
add('QLinearConv of bytes', 13, [['QLinearConv', ['x', 'xs', 'xz', 'w', 'ws', 'wz', 'ys', 'yz'], { ...around, strides: is(2, 2) }]],
  [levels('x', [1, 3, 5, 4], 'uint8', 0, 255)], [...q_of_x, ...q_of_y, ...q_weight])
add('QLinearMatMul', 13, [q_input, ['QLinearMatMul', ['q', 'xs', 'xz', 'w', 'ws', 'wz', 'ys', 'yz'], {}, ['l']], ['DequantizeLinear', ['l', 'ys', 'yz']]],
  [random('x', [3, 6])], [...q_of_x, ...q_of_y, levels('w', [6, 5], 'int8', -127, 127), scale('ws', 0.02), zero_point('wz', 0, 'int8')])
add('ConvInteger', 13, [['ConvInteger', ['x', 'w', 'xz'], around]], [levels('x', [1, 3, 5, 4], 'uint8', 0, 255)], [levels('w', [4, 3, 3, 3], 'int8', -127, 127), zero_point('xz', 110)])
add('MatMulInteger', 13, [['MatMulInteger', ['x', 'w', 'xz', 'wz']]], [levels('x', [3, 6], 'uint8', 0, 255)],
  [levels('w', [6, 5], 'uint8', 0, 255), zero_point('xz', 110), zero_point('wz', 128)])
add('DynamicQuantizeLinear', 13, [['DynamicQuantizeLinear', ['x'], {}, ['y', 's', 'z']]], [random('x', [3, 6])])
add('A product quantized as it runs', 13, [
  ['DynamicQuantizeLinear', ['x'], {}, ['q', 's', 'z']], ['MatMulInteger', ['q', 'w', 'z', 'wz'], {}, ['p']], ['Cast', ['p'], { to: i(1) }, ['c']],
  ['Mul', ['s', 'ws'], {}, ['k']], ['Mul', ['c', 'k']]], [random('x', [3, 6])], [levels('w', [6, 5], 'int8', -127, 127), zero_point('wz', 0, 'int8'), scale('ws', 0.01)])
add('Levels through a pool and a turn', 13, [
  q_input, ['MaxPool', ['q'], { kernel_shape: is(2, 2) }, ['m']], ['Transpose', ['m'], { perm: is(0, 2, 3, 1) }, ['t']], ['DequantizeLinear', ['t', 'xs', 'xz']]],
[random('x', [1, 3, 4, 5])], q_of_x)
add('A residual block of levels', 13, [
  q_input, ['DequantizeLinear', ['q', 'xs', 'xz'], {}, ['d']], ['DequantizeLinear', ['w', 'ws', 'wz'], { axis: i(0) }, ['v']], ['Conv', ['d', 'v'], around, ['c']],
  ['QuantizeLinear', ['c', 'ys', 'yz'], {}, ['l']], ['DequantizeLinear', ['l', 'ys', 'yz'], {}, ['e']], ['Add', ['e', 'd'], {}, ['a']], ['Relu', ['a'], {}, ['r']],
  ['QuantizeLinear', ['r', 'xs', 'xz'], {}, ['k']], ['DequantizeLinear', ['k', 'xs', 'xz'], {}, ['f']], ['GlobalAveragePool', ['f'], {}, ['g']],
  ['QuantizeLinear', ['g', 'xs', 'xz'], {}, ['h']], ['DequantizeLinear', ['h', 'xs', 'xz']]],
[random('x', [2, 3, 5, 4])], [...q_of_x, ...q_of_y, levels('w', [3, 3, 3, 3], 'int8', -127, 127), scale('ws', 0.01, 0.02, 0.005), given('wz', 'int8', [3], [0, 0, 0])])

// Places that are computed, and loops
const around_two = floats('x', [3, 1, 4, 1, 5, 9, 2, 6, 5, 3, 5, 8], [3, 4])
for (const [name, attrs] of [['', {}], [' of the smallest', { largest: i(0) }], [' down columns', { axis: i(0) }]])
  add(`TopK${name}`, 17, [['TopK', ['x', 'k'], attrs, ['y', 'z']]], [around_two], [ints('k', [2])])
add('TopK values alone', 11, [['TopK', ['x', 'k'], { axis: i(1) }, ['y', 'unread']]], [around_two], [ints('k', [3])])
add('TopK by attribute', 9, [['TopK', ['x'], { k: i(2) }, ['y', 'z']]], [random('x', [2, 5])])
add('GatherElements', 17, [['GatherElements', ['x', 'at'], { axis: i(1) }]], [random('x', [3, 4]), ints('at', [0, -1, 2, 3, 1, 1], [3, 2])])
add('GatherElements of the best', 17, [['TopK', ['x', 'k'], { axis: i(0) }, ['v', 'p']], ['GatherElements', ['b', 'p'], { axis: i(0) }]],
  [random('x', [6, 2]), random('b', [6, 2])], [ints('k', [3])])
add('GatherND', 17, [['GatherND', ['x', 'at']]], [random('x', [2, 3, 4]), ints('at', [0, 1, 1, 2, -1, 0], [3, 2])])
add('GatherND of known places', 17, [['GatherND', ['x', 'at']]], [random('x', [2, 3])], [ints('at', [0, 1, 1, 2], [2, 2])])
add('GatherND in a batch', 17, [['GatherND', ['x', 'at'], { batch_dims: i(1) }]], [random('x', [2, 3, 4]), ints('at', [2, 0], [2, 1])])
add('ScatterElements', 17, [['ScatterElements', ['x', 'at', 'v'], { axis: i(1) }]], [random('x', [2, 4]), ints('at', [1, 3, 0, -1], [2, 2]), random('v', [2, 2])])
add('ScatterElements added', 16, [['ScatterElements', ['x', 'at', 'v'], { axis: i(0), reduction: s('add') }]], [random('x', [3, 2]), ints('at', [0, 2, 0, 1], [2, 2]), random('v', [2, 2])])
for (const reduction of ['mul', 'min', 'max'])
  add(`ScatterElements ${reduction}`, 18, [['ScatterElements', ['x', 'at', 'v'], { reduction: s(reduction) }]], [random('x', [3, 2]), ints('at', [0, 2, 0, 1], [2, 2]), random('v', [2, 2])])
add('ScatterND', 17, [['ScatterND', ['x', 'at', 'v']]], [random('x', [4, 3]), ints('at', [3, 1], [2, 1]), random('v', [2, 3])])
add('ScatterND added', 16, [['ScatterND', ['x', 'at', 'v'], { reduction: s('add') }]], [random('x', [4, 3]), ints('at', [1, 0, 1, 0, 3, 2], [3, 2]), random('v', [3])])
add('ScatterND into nothing', 17, [['ScatterND', ['x', 'at', 'v']]], [random('v', [2])], [floats('x', [0, 0, 0]), ints('at', [2, 0], [2, 1])])
const boxes = random('boxes', [1, 6, 4], 0, 4), scores = random('scores', [1, 2, 6], 0, 1)
const suppress = (name, nodes, constants, inputs = [boxes, scores]) => add(`NonMaxSuppression${name}`, 17, nodes, inputs, constants)
suppress('', [['NonMaxSuppression', ['boxes', 'scores', 'most', 'iou']]], [ints('most', [3]), floats('iou', [0.2])])
suppress(' by score', [['NonMaxSuppression', ['boxes', 'scores', 'most', 'iou', 'least']]], [ints('most', [9]), floats('iou', [0.1]), floats('least', [0.4])])
suppress(' of centers', [['NonMaxSuppression', ['boxes', 'scores', 'most', 'iou'], { center_point_box: i(1) }]], [ints('most', [9]), floats('iou', [0.3])])
suppress(' that leaves none', [['NonMaxSuppression', ['boxes', 'scores', 'most', 'iou', 'least']]], [ints('most', [9]), floats('iou', [0.3]), floats('least', [2])])
suppress(' and its boxes', [
  ['NonMaxSuppression', ['boxes', 'scores', 'most', 'iou', 'least'], {}, ['s']], ['Slice', ['s', 'two', 'three', 'axis'], {}, ['c']], ['Squeeze', ['c', 'axis'], {}, ['p']],
  ['Squeeze', ['boxes', 'zero'], {}, ['b']], ['Gather', ['b', 'p'], { axis: i(0) }, ['q']], ['Mul', ['q', 'half'], {}, ['h']], ['Concat', ['h', 'q'], { axis: i(1) }],
  ['Slice', ['p', 'zero', 'two', 'zero'], {}, ['z']]],
[ints('most', [9]), floats('iou', [0.1]), floats('least', [0.4]), ints('two', [2]), ints('three', [3]), ints('axis', [1]), ints('zero', [0]), floats('half', [0.5])])
const body = (nodes, inputs, outputs) => ({ g: {
  nodes: nodes.map(([op, ins, attrs = {}, outs]) => ({ op, inputs: ins, attrs, outputs: outs })),
  inputs: inputs.map(([name, type]) => ({ name, type, dims: [] })), outputs: outputs.map(([name, type]) => ({ name, type })),
} })
const counted = [['n', 'int64'], ['on', 'bool']]
add('Loop', 17, [['Loop', ['m', '', 'x'], { body: body([['Mul', ['c', 'c'], {}, ['d']], ['Add', ['d', 'x'], {}, ['e']], ['Identity', ['on'], {}, ['go']]], [...counted, ['c', 'float32']], [['go', 'bool'], ['e', 'float32']]) }]],
  [random('x', [2, 3])], [ints('m', [3], [])])
add('Loop with slices', 17, [['Loop', ['m', 'yes', 'x'], { body: body([
  ['Cast', ['n'], { to: i(1) }, ['f']], ['Add', ['c', 'f'], {}, ['d']], ['Mul', ['d', 'd'], {}, ['e']], ['Identity', ['on'], {}, ['go']]],
[...counted, ['c', 'float32']], [['go', 'bool'], ['d', 'float32'], ['e', 'float32']]) }, ['y', 'z']]], [random('x', [2])], [ints('m', [4]), bools('yes', [1], [])])
add('Loop until', 17, [['Loop', ['', 'yes', 'x'], { body: body([
  ['Add', ['c', 'c'], {}, ['d']], ['Less', ['n', 'last'], {}, ['go']]], [...counted, ['c', 'float32']], [['go', 'bool'], ['d', 'float32']]) }]],
[random('x', [2])], [ints('last', [2], []), bools('yes', [1], [])])

export { cases }
