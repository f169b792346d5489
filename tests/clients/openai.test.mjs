// npm's `openai`, unmodified, against a running `verge serve`.
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'

import Ajv from 'ajv'
import OpenAI from 'openai'

import { eventually, model, start } from './server.mjs'

let server
let client
const ask = (fields = {}) => ({
  model,
  messages: [{ role: 'user', content: 'And God said' }],
  max_tokens: 12,
  temperature: 0,
  ...fields,
})

before(async () => {
  server = await start()
  client = new OpenAI({ baseURL: `${server.url}/v1`, apiKey: 'none', maxRetries: 0 })
})
after(async () => assert.equal(await server.stop(), 0))

test('models are listed and retrieved', async () => {
  const ids = []
  for await (const entry of client.models.list()) ids.push(entry.id)
  assert.deepEqual(ids, [model])
  assert.equal((await client.models.retrieve(model)).object, 'model')
})

test('a chat answers', async () => {
  const answer = await client.chat.completions.create(ask())
  assert.equal(answer.object, 'chat.completion')
  assert.equal(answer.choices[0].message.role, 'assistant')
  assert.ok(answer.choices[0].message.content.length > 0)
  assert.equal(answer.choices[0].finish_reason, 'length')
  assert.equal(answer.usage.completion_tokens, 12)
  assert.equal(answer.usage.total_tokens, answer.usage.prompt_tokens + 12)
})

test('a stream says the same, with usage', async () => {
  const whole = await client.chat.completions.create(ask())
  const stream = await client.chat.completions.create(
    ask({ stream: true, stream_options: { include_usage: true } }),
  )
  let text = ''
  let usage
  let reason
  for await (const chunk of stream) {
    text += chunk.choices[0]?.delta?.content ?? ''
    reason = chunk.choices[0]?.finish_reason ?? reason
    usage = chunk.usage ?? usage
  }
  assert.equal(text, whole.choices[0].message.content)
  assert.equal(reason, 'length')
  assert.deepEqual(usage.completion_tokens, 12)
})

test("the client's own stream helper is content", async () => {
  const runner = client.chat.completions.stream(ask())
  const final = await runner.finalChatCompletion()
  assert.ok(final.choices[0].message.content.length > 0)
})

test('stop strings end an answer before them', async () => {
  const whole = (await client.completions.create({ model, prompt: 'And God said', max_tokens: 12, temperature: 0 }))
    .choices[0].text
  const stop = whole.slice(4, 6)
  const cut = await client.completions.create({ model, prompt: 'And God said', max_tokens: 12, temperature: 0, stop: [stop] })
  assert.equal(cut.choices[0].text, whole.slice(0, whole.indexOf(stop)))
  assert.equal(cut.choices[0].finish_reason, 'stop')
})

test('logprobs in both forms', async () => {
  const chat = await client.chat.completions.create(ask({ logprobs: true, top_logprobs: 3 }))
  const tokens = chat.choices[0].logprobs.content
  assert.equal(tokens.length, 12)
  for (const token of tokens) {
    assert.equal(token.top_logprobs.length, 3)
    assert.equal(token.top_logprobs[0].token, token.token)
    assert.ok(token.logprob <= 0)
  }
  const legacy = await client.completions.create({ model, prompt: 'a', max_tokens: 3, logprobs: 2, temperature: 0 })
  assert.equal(legacy.choices[0].logprobs.tokens.length, 3)
})

test('a seed repeats, and n answers differ', async () => {
  const seeded = async (seed) =>
    (await client.chat.completions.create(ask({ seed, n: 3, temperature: 1.5 }))).choices.map((c) => c.message.content)
  const first = await seeded(5)
  assert.deepEqual(first, await seeded(5))
  assert.equal(new Set(first).size, 3)
  assert.notDeepEqual(first, await seeded(6))
})

// The model is small and likes line breaks; JSON allows them without end.
const tight = { 10: -100, 32: -100 }
const lamp = {
  type: 'function',
  function: {
    name: 'lamp',
    parameters: { type: 'object', properties: { on: { type: 'boolean' } }, required: ['on'], additionalProperties: false },
  },
}

test('a required tool is called, and its result is taken', async () => {
  const request = { tools: [lamp], tool_choice: 'required', max_tokens: 60, logit_bias: tight, messages: [{ role: 'user', content: 'Light!' }] }
  const answer = await client.chat.completions.create(ask(request))
  assert.equal(answer.choices[0].finish_reason, 'tool_calls')
  const [call] = answer.choices[0].message.tool_calls
  assert.equal(call.function.name, 'lamp')
  assert.ok(new Ajv().compile(lamp.function.parameters)(JSON.parse(call.function.arguments)))
  const messages = [
    { role: 'user', content: 'Light!' },
    answer.choices[0].message,
    { role: 'tool', tool_call_id: call.id, content: 'done' },
  ]
  const next = await client.chat.completions.create(ask({ messages, max_tokens: 4 }))
  assert.ok(next.choices[0].message.content !== null)
})

test('a streamed tool call is assembled by the client', async () => {
  const runner = client.chat.completions.stream(
    ask({ tools: [lamp], logit_bias: tight, tool_choice: { type: 'function', function: { name: 'lamp' } }, max_tokens: 60, messages: [{ role: 'user', content: 'Light!' }] }),
  )
  const final = await runner.finalChatCompletion()
  const call = final.choices[0].message.tool_calls[0]
  assert.equal(call.function.name, 'lamp')
  assert.equal(typeof JSON.parse(call.function.arguments).on, 'boolean')
})

test('json_schema answers validate', async () => {
  const schema = {
    type: 'object',
    properties: { colour: { enum: ['red', 'green'] }, sizes: { type: 'array', items: { enum: [1, 2] }, maxItems: 3 } },
    required: ['colour', 'sizes'],
    additionalProperties: false,
  }
  const validate = new Ajv().compile(schema)
  for (let seed = 0; seed < 5; ++seed) {
    const answer = await client.chat.completions.create(
      ask({ seed, temperature: 1, max_tokens: 150, logit_bias: tight, response_format: { type: 'json_schema', json_schema: { name: 'thing', strict: true, schema } } }),
    )
    assert.equal(answer.choices[0].finish_reason, 'stop')
    assert.ok(validate(JSON.parse(answer.choices[0].message.content)), answer.choices[0].message.content)
  }
})

test("vLLM's fields that the client passes on are held", async () => {
  const chosen = await client.chat.completions.create(ask({ guided_choice: ['wine', 'water'], temperature: 1 }))
  assert.ok(['wine', 'water'].includes(chosen.choices[0].message.content))
  const matched = await client.completions.create({ model, prompt: 'a', max_tokens: 12, structured_outputs: { regex: '[0-9]{3}' } })
  assert.match(matched.choices[0].text, /^[0-9]{3}$/)
  await assert.rejects(client.chat.completions.create(ask({ bad_words: ['a'] })), (error) => error.status === 400 && error.param === 'bad_words')
})

test('functions, the older form of tools', async () => {
  const request = ask({ functions: [lamp.function], function_call: { name: 'lamp' }, max_tokens: 60, logit_bias: tight, messages: [{ role: 'user', content: 'Light!' }] })
  const answer = await client.chat.completions.create(request)
  assert.equal(answer.choices[0].finish_reason, 'function_call')
  const call = answer.choices[0].message.function_call
  assert.equal(call.name, 'lamp')
  const messages = [...request.messages, answer.choices[0].message, { role: 'function', name: 'lamp', content: 'done' }]
  const next = await client.chat.completions.create(ask({ messages, max_tokens: 4 }))
  assert.ok(next.choices[0].message.content !== null)
})

test('embeddings of one and of many texts', async () => {
  const one = await client.embeddings.create({ model, input: 'In the beginning' })
  assert.ok(one.data[0].embedding.length >= 64)
  const length = Math.hypot(...one.data[0].embedding)
  assert.ok(Math.abs(length - 1) < 1e-3, `length ${length}`)
  const many = await client.embeddings.create({ model, input: ['In the beginning', 'wine'], encoding_format: 'float' })
  assert.equal(many.data.length, 2)
  many.data[0].embedding.forEach((value, i) => assert.ok(Math.abs(value - one.data[0].embedding[i]) < 1e-4))
})

test('errors are those the client knows', async () => {
  await assert.rejects(client.chat.completions.create(ask({ model: 'gpt-4' })), (error) => {
    assert.ok(error instanceof OpenAI.NotFoundError)
    assert.equal(error.code, 'model_not_found')
    return true
  })
  await assert.rejects(client.chat.completions.create(ask({ temperature: 9 })), (error) => {
    assert.ok(error instanceof OpenAI.BadRequestError)
    assert.equal(error.param, 'temperature')
    return true
  })
  await assert.rejects(
    client.chat.completions.create(ask({ messages: [{ role: 'user', content: 'word '.repeat(500) }] })),
    (error) => error.status === 400 && error.code === 'context_length_exceeded',
  )
})

test('a client that aborts frees its place', async () => {
  const stream = await client.completions.create({ model, prompt: 'a', max_tokens: 250, stream: true, ignore_eos: true })
  for await (const _ of stream) break
  await eventually(async () => (await server.live()).models[0].running === 0, 'the slot is free')
})

test('keys: 401, limits, models that are not theirs, revocation mid-stream', async () => {
  const guarded = await start({ keys: [['--tenant', 'a', '--requests-per-minute', '3'], ['--model', 'other'], ['--tenant', 'b']] })
  const as = (key) => new OpenAI({ baseURL: `${guarded.url}/v1`, apiKey: key, maxRetries: 0 })
  await assert.rejects(as('wrong').models.list(), OpenAI.AuthenticationError)
  const limited = as(guarded.keys[0].key)
  for (let i = 0; i < 3; ++i) await limited.chat.completions.create(ask({ max_tokens: 1 }))
  await assert.rejects(limited.chat.completions.create(ask()), (error) => {
    assert.ok(error instanceof OpenAI.RateLimitError)
    assert.ok(Number(error.headers.get('retry-after')) >= 1)
    return true
  })
  await assert.rejects(as(guarded.keys[1].key).chat.completions.create(ask()), OpenAI.NotFoundError)
  const revoked = as(guarded.keys[2].key)
  const stream = await revoked.completions.create({ model, prompt: 'a', n: 8, max_tokens: 250, stream: true, ignore_eos: true })
  await assert.rejects(async () => {
    let first = true
    for await (const _ of stream) {
      if (first) assert.equal(guarded.revoke(guarded.keys[2].id), 0)
      first = false
    }
    await eventually(async () => {
      await revoked.models.list()
      return false
    }, 'the key is revoked')
  })
  await assert.rejects(revoked.models.list(), OpenAI.AuthenticationError)
  assert.equal(await guarded.stop(), 0)
})
