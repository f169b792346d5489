// capture_cases.mjs FILE: runs the cases by onnxruntime-node and writes them with their results.
import { writeFileSync } from 'node:fs'
import ort from 'onnxruntime-node'
import { cases } from './cases.mjs'
import { model, typed } from './model.mjs'

const outputs_of = (nodes) => nodes.flatMap((n) => n.outputs).filter((name) => /^(y|z|yh|yc)$/.test(name))
const lines = []
for (const entry of cases) {
  const names = outputs_of(entry.nodes)
  // ONNX Runtime infers the results' types; float32 first, then what it names instead.
  let session
  const declared = Object.fromEntries(names.map((name) => [name, 'float32']))
  for (let tries = 0; !session; ++tries) {
    const outputs = names.map((name) => ({ name, type: declared[name] }))
    try {
      session = await ort.InferenceSession.create(model(entry.opset, { ...entry, outputs }))
    } catch (error) {
      const told = /output arg \((\w+)\).*expected type \(tensor\((\w+)\)\)/.exec(error.message)
      if (!told || tries > 3) throw new Error(`${entry.name}: ${error.message}`)
      declared[told[1]] = { float: 'float32', double: 'float64' }[told[2]] ?? told[2]
    }
  }
  const feeds = Object.fromEntries(entry.inputs.map((input) => [input.name, new ort.Tensor(input.type, typed(input.type, input.values), input.dims)]))
  const found = await session.run(feeds)
  const outputs = names.map((name) => ({
    name, type: found[name].type, dims: found[name].dims,
    values: Array.from(found[name].data, (v) => (typeof v === 'bigint' ? Number(v) : Number.isFinite(v) ? Number(v.toPrecision(9)) : String(v))),
  }))
  lines.push(JSON.stringify({ ...entry, outputs }))
}
writeFileSync(process.argv[2], `[\n${lines.join(',\n')}\n]\n`)
console.log(`${lines.length} cases`)
