// What ONNX Runtime answers and how fast, for the networks of networks.mjs:
//   node peer.mjs capture FILE         samples of all outputs on seeded inputs
//   node peer.mjs bench NAME [THREADS [REPEAT [BATCH [FILE]]]]    {"median_ms": ...}, of `timed` or `networks`; FILE: another
//                                                                 form of the network, of 8-bit levels
// Needs onnxruntime-node (npm i --ignore-scripts); networks are fetched into the current folder.
import { writeFileSync } from 'node:fs'
import ort from 'onnxruntime-node'
import { fetch_network, networks, samples_of, timed, values_of, with_batch } from './networks.mjs'

const feed = (inputs) => Object.fromEntries(Object.entries(inputs).map(([name, input], index) =>
  [name, new ort.Tensor(input.type, values_of(input, index + 1), input.dims)]))

async function capture(file) {
  const lines = []
  for (const network of networks) {
    const session = await ort.InferenceSession.create(fetch_network(network, 'networks'))
    const found = await session.run(feed(network.inputs))
    const outputs = Object.entries(found).map(([name, { dims, data }]) => ({ name, dims, ...samples_of(data) }))
    lines.push(JSON.stringify({ name: network.name, outputs }))
  }
  writeFileSync(file, `[\n${lines.join(',\n')}\n]\n`)
}

async function bench(name, threads, repeat, batch, file) {
  const network = [...timed, ...networks].find((entry) => entry.name === name)
  const session = await ort.InferenceSession.create(file ?? fetch_network(network, 'networks'),
    { intraOpNumThreads: threads, interOpNumThreads: 1 })
  const inputs = feed(with_batch(network.inputs, batch))
  const times = []
  for (let i = 0; i <= repeat; ++i) {
    const begin = process.hrtime.bigint()
    await session.run(inputs)
    if (i > 0) times.push(Number(process.hrtime.bigint() - begin) * 1e-6)
  }
  times.sort((a, b) => a - b)
  console.log(JSON.stringify({ name, threads, repeat, batch, median_ms: times[repeat >> 1] }))
}

const [command, ...rest] = process.argv.slice(2)
if (command === 'capture') await capture(rest[0])
else if (command === 'bench') await bench(rest[0], Number(rest[1] ?? 2), Number(rest[2] ?? 20), Number(rest[3] ?? 1), rest[4])
else throw new Error('usage: peer.mjs capture FILE | bench NAME [THREADS [REPEAT [BATCH [FILE]]]]')
