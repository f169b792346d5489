import assert from 'node:assert/strict';
import { test } from 'node:test';
import { errorText } from '../../src/api';
import { chatRequest, eventsOf } from '../../src/chat_stream';
import { noSettings } from '../../src/conversation';

const history = [{ id: 'a', parent: null, role: 'user', text: 'hello' }] as const;

test('a request leaves out what is not set', () => {
  assert.deepEqual(chatRequest('m', noSettings, [...history]), {
    model: 'm',
    messages: [{ role: 'user', content: 'hello' }],
    stream: true,
    stream_options: { include_usage: true },
  });
});

test('a request holds what is set, zero included', () => {
  const settings = { ...noSettings, system: 'Be terse.', temperature: 0, top_p: 0.9, top_k: 5, max_tokens: 7, seed: 0, schema: '{"type":"object"}' };
  const body = chatRequest('m', settings, [...history]);
  assert.deepEqual(body.messages, [{ role: 'system', content: 'Be terse.' }, { role: 'user', content: 'hello' }]);
  assert.deepEqual(
    [body.temperature, body.top_p, body.top_k, body.max_tokens, body.seed],
    [0, 0.9, 5, 7, 0],
  );
  assert.deepEqual(body.response_format, {
    type: 'json_schema',
    json_schema: { name: 'answer', strict: true, schema: { type: 'object' } },
  });
});

test('a schema that is not JSON is refused in words', () => {
  assert.throws(() => chatRequest('m', { ...noSettings, schema: '{' }, [...history]), /JSON schema .* not JSON/);
});

test('chunks become events', () => {
  assert.deepEqual(eventsOf({}), []);
  assert.deepEqual(eventsOf({ choices: [{ delta: { content: '' } }] }), []);
  assert.deepEqual(eventsOf({ choices: [{ delta: { content: 'a' }, finish_reason: 'stop' }] }), [
    { kind: 'text', text: 'a' },
    { kind: 'end', reason: 'stop' },
  ]);
  const usage = { prompt_tokens: 3, completion_tokens: 2, prompt_tokens_details: { cached_tokens: 1 } };
  assert.deepEqual(eventsOf({ choices: [], usage }), [
    { kind: 'usage', usage: { promptTokens: 3, completionTokens: 2, cachedTokens: 1 } },
  ]);
});

test('tokens of a split model say where they were made', () => {
  const verge = { places: ['cloud'], reasons: ['asked'] };
  const origins = [{ place: 'cloud', reason: 'asked' }];
  assert.deepEqual(eventsOf({ choices: [{ delta: { content: 'a' } }], verge }), [{ kind: 'text', text: 'a', origins }]);
  assert.deepEqual(eventsOf({ choices: [{ delta: {} }], verge }), [{ kind: 'text', text: '', origins }]);
  const [usage] = eventsOf({ choices: [], usage: { completion_tokens: 1, verge: { cloud: 1 } } });
  assert.deepEqual(usage?.kind === 'usage' && usage.usage.places, { exit1: 0, exit2: 0, cloud: 1, degraded: 0 });
});

test('reasoning and calls become events, whatever is missing', () => {
  const of = (delta: object) => eventsOf({ choices: [{ delta }] });
  assert.deepEqual(of({ reasoning_content: 'a', content: 'b' }), [
    { kind: 'reasoning', text: 'a' },
    { kind: 'text', text: 'b' },
  ]);
  assert.deepEqual(of({ reasoning: 'a', content: null, tool_calls: null }), [{ kind: 'reasoning', text: 'a' }]);
  assert.deepEqual(of({ tool_calls: [{ index: 1, function: { name: 'f', arguments: '{' } }, {}] }), [
    { kind: 'call', index: 1, name: 'f', arguments: '{' },
    { kind: 'call', index: 0, name: '', arguments: '' },
  ]);
});

test('errors have either of two shapes', () => {
  assert.equal(errorText({ error: { message: 'a' } }), 'a');
  assert.equal(errorText({ error: 'b' }), 'b');
  for (const body of [null, 'text', 3, {}, { error: null }, { error: {} }]) assert.equal(errorText(body), null);
});
