// Verge beside ONNX Runtime on the networks of bench/peers/onnx/networks.mjs, f32, batch 1 and 8, alternating:
//   node bench/onnx/run.mjs VERGE PEER [--threads 2] [--rounds 5] [--repeat 20] [--only NAME] [--json FILE] [--backend NAME]
// PEER is a folder in which onnxruntime-node is installed (npm i --ignore-scripts onnxruntime-node); networks are
// fetched there. --int8: the networks as `verge quantize` writes them, which both run. --backend onednn: Verge
// with that backend as well, and its time over that of Verge's own kernels. Each round runs each program once; a figure is the median over rounds of the median run.
import { execFileSync } from 'node:child_process'
import { copyFileSync, readdirSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { fetch_network, timed, values_of, with_batch } from '../peers/onnx/networks.mjs'

const { values: options, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    threads: { type: 'string', default: '2' }, rounds: { type: 'string', default: '5' },
    repeat: { type: 'string', default: '20' }, int8: { type: 'boolean', default: false }, only: { type: 'string' }, json: { type: 'string' },
    backend: { type: 'string' },
  },
})
if (positionals.length !== 2) throw new Error('usage: run.mjs VERGE PEER [options]; see the first lines')
const [verge, peer] = positionals.map((name) => path.resolve(name))
const scripts = fileURLToPath(new URL('../peers/onnx/', import.meta.url))

// Packages are found from the folder of a script: the peer's scripts run as copies beside onnxruntime-node.
for (const name of readdirSync(scripts)) copyFileSync(path.join(scripts, name), path.join(peer, name))

const run_json = (program, args) =>
  JSON.parse(execFileSync(program, args, { cwd: peer, encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit'], maxBuffer: 1 << 26 }))
const median = (values) => values.toSorted((a, b) => a - b)[values.length >> 1]

function run_verge(network, file, batch, backend = 'cpu') {
  const bindings = Object.entries(with_batch(network.inputs, batch)).flatMap(([name, { dims, value }]) =>
    (value === undefined ? ['--shape', `${name}=${dims.join('x')}`] : ['--value', `${name}=${value}`]))
  return run_json(verge, ['bench', file, ...bindings, '--threads', options.threads, '--repeat', options.repeat,
    '--backend', backend, '--json'])
}

/// An array as .npy, for --calibrate.
function write_npy(file, { dims, values }) {
  const text = `{'descr': '<f4', 'fortran_order': False, 'shape': (${dims.join(', ')}, ), }`
  const header = text.padEnd(Math.ceil((text.length + 11) / 64) * 64 - 11) + '\n'
  const lead = Buffer.from([0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59, 1, 0, header.length & 255, header.length >> 8])
  writeFileSync(file, Buffer.concat([lead, Buffer.from(header), Buffer.from(values.buffer)]))
}

/// The network of 8-bit levels, calibrated on random inputs: their ranges are real, accuracy means nothing.
function quantized(network, file) {
  const out = path.join(peer, 'networks', `${network.name}.int8.onnx`), [input] = Object.values(network.inputs)
  const samples = [1, 2, 3].map((seed) => {
    const name = path.join(peer, 'networks', `${network.name}.${seed}.npy`)
    write_npy(name, { dims: input.dims, values: values_of(input, seed) })
    return name
  })
  run_json(verge, ['quantize', file, out, ...samples.flatMap((name) => ['--calibrate', name]), '--method', 'minmax', '--threads',
    options.threads, '--json', '--quiet'])
  return out
}

function measure(network, batch) {
  const fetched = fetch_network(network, path.join(peer, 'networks'))
  const file = options.int8 ? quantized(network, fetched) : fetched
  const rounds = Array.from({ length: Number(options.rounds) }, () => ({
    verge: run_verge(network, file, batch),
    backend: options.backend && run_verge(network, file, batch, options.backend),
    peer: run_json(process.execPath, ['peer.mjs', 'bench', network.name, options.threads, options.repeat, String(batch), file]),
  }))
  const verge_ms = median(rounds.map((round) => round.verge.median_ms)), ort_ms = median(rounds.map((round) => round.peer.median_ms))
  const { gflop } = rounds[0].verge
  return {
    network: network.name, batch, verge_ms, ort_ms, backend_ms: options.backend && median(rounds.map((round) => round.backend.median_ms)), ratio: ort_ms / verge_ms, gflop_s: gflop / verge_ms * 1e3,
    peak_gflop_s: median(rounds.map((round) => round.verge.machine.f32_gflops)),
  }
}

const results = []
const with_backend = (text) => (options.backend ? text : '')
console.log(`| network | batch | Verge ms | ONNX Runtime ms | ratio | GFLOP/s | of peak |${with_backend(` ${options.backend} ms | Verge / ${options.backend} | ONNX Runtime / ${options.backend} |`)}`)
console.log(`|---|---|---|---|---|---|---|${with_backend('---|---|---|')}`)
const chosen = timed.filter(({ name }) => (!options.only || name === options.only) && !(options.int8 && name.startsWith('voice')))
if (chosen.length === 0) throw new Error(`no network ${options.only}; there are ${timed.map(({ name }) => name).join(', ')}`)
for (const network of chosen) {
  for (const batch of network.name.startsWith('voice') ? [1] : [1, 8]) {
    const r = measure(network, batch)
    results.push(r)
    console.log(`| ${r.network} | ${batch} | ${r.verge_ms.toFixed(2)} | ${r.ort_ms.toFixed(2)} | ${r.ratio.toFixed(2)} | ` +
      `${r.gflop_s.toFixed(0)} | ${(100 * r.gflop_s / r.peak_gflop_s).toFixed(0)}% |` +
      with_backend(` ${r.backend_ms?.toFixed(2)} | ${(r.verge_ms / r.backend_ms).toFixed(2)} | ${(r.ort_ms / r.backend_ms).toFixed(2)} |`))
  }
}
if (options.json) writeFileSync(options.json, JSON.stringify(results, null, 1))
