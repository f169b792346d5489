// npm's `openai` and `ollama`, unmodified, against the device's share of a split model: what its answers say more does
// not disturb them.
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'

import { Ollama } from 'ollama'
import OpenAI from 'openai'

import { model, start } from './server.mjs'

let server
const sum = (places) => Object.values(places).reduce((all, count) => all + count, 0)

before(async () => (server = await start({ options: ['--mode', 'standalone', '--theta1', '0.5'] })))
after(async () => assert.equal(await server.stop(), 0))

test('openai streams, and finds where each token was made', async () => {
  const client = new OpenAI({ baseURL: `${server.url}/v1`, apiKey: 'none', maxRetries: 0 })
  const ask = { model, messages: [{ role: 'user', content: 'And God said' }], max_tokens: 12, temperature: 0 }
  const whole = await client.chat.completions.create(ask)
  assert.ok(whole.choices[0].message.content.length > 0)
  assert.equal(sum(whole.usage.verge), 12)
  let text = ''
  const places = []
  for await (const chunk of await client.chat.completions.create({ ...ask, stream: true })) {
    text += chunk.choices[0]?.delta?.content ?? ''
    places.push(...(chunk.verge?.places ?? []))
  }
  assert.equal(text, whole.choices[0].message.content)
  assert.deepEqual(places, whole.choices[0].verge.places)
  assert.equal(places.length, 12)
  await assert.rejects(client.chat.completions.create({ ...ask, logprobs: true }), /logprobs.*leave it out/)
})

test('ollama chats with its own defaults', async () => {
  const client = new Ollama({ host: server.url })
  const messages = [{ role: 'user', content: 'And God said' }]
  const whole = await client.chat({ model, messages, options: { num_predict: 8, seed: 1 } })
  assert.equal(whole.eval_count, 8)
  assert.equal(whole.verge.places.length, 8)
  const asked = client.chat({ model, messages, options: { repeat_penalty: 1.2 } })
  await assert.rejects(asked, /repeat_penalty.*leave it out/)
})
