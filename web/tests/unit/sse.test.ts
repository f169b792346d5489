import assert from 'node:assert/strict';
import { test } from 'node:test';
import { EventParser } from '../../src/sse';

const stream = new TextEncoder().encode(
  ': a comment\r\n' +
    'data: {"text":"Grüße 🌍"}\n\n' +
    'event: note\rdata:first\rdata: second\r\r' +
    'data\r\n\r\n' +
    'id: 7\nretry: 10\nunknown: x\n\n' +
    'data:  two spaces\r\n\r\n' +
    'data: [DONE]\n\n' +
    'data: never ended',
);
const expected = [
  { event: 'message', data: '{"text":"Grüße 🌍"}' },
  { event: 'note', data: 'first\nsecond' },
  { event: 'message', data: '' },
  { event: 'message', data: ' two spaces' },
  { event: 'message', data: '[DONE]' },
];

function parse(...parts: Uint8Array[]) {
  const parser = new EventParser();
  return parts.flatMap((part) => parser.push(part));
}

test('a whole stream gives its events, and not the one that never ended', () => {
  assert.deepEqual(parse(stream), expected);
});

test('the stream cut in two anywhere gives the same events', () => {
  for (let at = 0; at <= stream.length; at += 1) {
    assert.deepEqual(parse(stream.slice(0, at), stream.slice(at)), expected, `cut at byte ${at}`);
  }
});

test('the stream cut in three anywhere gives the same events', () => {
  for (let first = 0; first <= stream.length; first += 1) {
    for (let second = first; second <= stream.length; second += 1) {
      const parts = [stream.slice(0, first), stream.slice(first, second), stream.slice(second)];
      assert.deepEqual(parse(...parts), expected, `cut at bytes ${first} and ${second}`);
    }
  }
});

test('bytes one by one give the same events', () => {
  assert.deepEqual(parse(...Array.from(stream, (byte) => Uint8Array.of(byte))), expected);
});
