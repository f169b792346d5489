// npm's `ollama`, unmodified, against a running `verge serve`.
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'

import Ajv from 'ajv'
import { Ollama } from 'ollama'

import { eventually, model, start } from './server.mjs'

let server
let client
const options = { temperature: 0, num_predict: 8 }

before(async () => {
  server = await start()
  client = new Ollama({ host: server.url })
})
after(async () => assert.equal(await server.stop(), 0))

test('models are listed and shown', async () => {
  const { models } = await client.list()
  assert.equal(models[0].name, model)
  assert.equal(models[0].details.quantization_level, 'Q8_0')
  const shown = await client.show({ model })
  assert.equal(shown.model_info['general.architecture'], 'llama')
  assert.equal((await client.ps()).models[0].model, model)
  assert.ok((await client.version()).version)
})

test('generate, whole and streamed', async () => {
  const whole = await client.generate({ model, prompt: 'And God said', raw: true, options })
  assert.equal(whole.done, true)
  assert.equal(whole.done_reason, 'length')
  assert.equal(whole.eval_count, 8)
  assert.ok(whole.total_duration > 0)
  let text = ''
  for await (const part of await client.generate({ model, prompt: 'And God said', raw: true, stream: true, options })) {
    text += part.response
  }
  assert.equal(text, whole.response)
})

test('chat, whole and streamed', async () => {
  const messages = [{ role: 'user', content: 'And God said' }]
  const whole = await client.chat({ model: `${model}:latest`, messages, options })
  let text = ''
  for await (const part of await client.chat({ model, messages, stream: true, options })) text += part.message.content
  assert.equal(text, whole.message.content)
})

test('a format holds', async () => {
  const schema = { enum: ['red', 'blue'] }
  const answer = await client.generate({ model, prompt: 'a', format: schema, options: { num_predict: 60 } })
  assert.ok(new Ajv().compile(schema)(JSON.parse(answer.response)), answer.response)
})

test('thinking, contexts and how long a model stays are heard', async () => {
  const messages = [{ role: 'user', content: 'a' }]
  const answer = await client.chat({ model, messages, think: false, keep_alive: '5m', options: { ...options, num_ctx: 128 } })
  assert.equal(answer.message.thinking, undefined)
  await assert.rejects(client.chat({ model, messages, options: { num_ctx: 1_000_000 } }), /num_ctx/)
  await client.chat({ model, messages, keep_alive: 0, options })
  await eventually(async () => (await client.ps()).models.length === 0, 'the model leaves')
})

test('embeddings', async () => {
  const { embeddings } = await client.embed({ model, input: ['a', 'b'] })
  assert.equal(embeddings.length, 2)
  const { embedding } = await client.embeddings({ model, prompt: 'a' })
  assert.equal(embedding.length, embeddings[0].length)
})

test('errors are told', async () => {
  await assert.rejects(client.chat({ model: 'none', messages: [{ role: 'user', content: 'a' }] }), (error) => {
    assert.equal(error.status_code, 404)
    assert.match(error.message, /no model "none"/)
    return true
  })
  await assert.rejects(client.pull({ model: 'x' }), /verge model import/)
})

test('an abort frees the place', async () => {
  const stream = await client.generate({ model, prompt: 'a', raw: true, stream: true, options: { num_predict: 250 } })
  setTimeout(() => stream.abort(), 20)
  await assert.rejects(async () => {
    for await (const _ of stream) continue
    throw new Error('it may have ended before')
  })
  await eventually(async () => (await server.live()).models[0].running === 0, 'the slot is free')
})
