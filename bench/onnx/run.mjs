// Verge beside ONNX Runtime on the networks of bench/peers/onnx/networks.mjs, f32, batch 1 and 8, alternating:
//   node bench/onnx/run.mjs VERGE PEER [--threads 2] [--rounds 5] [--repeat 20] [--only NAME] [--json FILE]
// PEER is a folder in which onnxruntime-node is installed (npm i --ignore-scripts onnxruntime-node); networks are
// fetched there. Each round runs each program once; a figure is the median over rounds of the median run.
import { execFileSync } from 'node:child_process'
import { copyFileSync, readdirSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { fetch_network, timed, with_batch } from '../peers/onnx/networks.mjs'

const { values: options, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    threads: { type: 'string', default: '2' }, rounds: { type: 'string', default: '5' },
    repeat: { type: 'string', default: '20' }, only: { type: 'string' }, json: { type: 'string' },
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

function run_verge(network, file, batch) {
  const bindings = Object.entries(with_batch(network.inputs, batch)).flatMap(([name, { dims, value }]) =>
    (value === undefined ? ['--shape', `${name}=${dims.join('x')}`] : ['--value', `${name}=${value}`]))
  return run_json(verge, ['bench', file, ...bindings, '--threads', options.threads, '--repeat', options.repeat, '--json'])
}

function measure(network, batch) {
  const file = fetch_network(network, path.join(peer, 'networks'))
  const rounds = Array.from({ length: Number(options.rounds) }, () => ({
    verge: run_verge(network, file, batch),
    peer: run_json(process.execPath, ['peer.mjs', 'bench', network.name, options.threads, options.repeat, String(batch)]),
  }))
  const verge_ms = median(rounds.map((round) => round.verge.median_ms)), ort_ms = median(rounds.map((round) => round.peer.median_ms))
  const { gflop } = rounds[0].verge
  return {
    network: network.name, batch, verge_ms, ort_ms, ratio: ort_ms / verge_ms, gflop_s: gflop / verge_ms * 1e3,
    peak_gflop_s: median(rounds.map((round) => round.verge.machine.f32_gflops)),
  }
}

const results = []
console.log('| network | batch | Verge ms | ONNX Runtime ms | ratio | GFLOP/s | of peak |\n|---|---|---|---|---|---|---|')
for (const network of timed.filter(({ name }) => !options.only || name === options.only)) {
  for (const batch of network.name.startsWith('voice') ? [1] : [1, 8]) {
    const r = measure(network, batch)
    results.push(r)
    console.log(`| ${r.network} | ${batch} | ${r.verge_ms.toFixed(2)} | ${r.ort_ms.toFixed(2)} | ${r.ratio.toFixed(2)} | ` +
      `${r.gflop_s.toFixed(0)} | ${(100 * r.gflop_s / r.peak_gflop_s).toFixed(0)}% |`)
  }
}
if (options.json) writeFileSync(options.json, JSON.stringify(results, null, 1))
