import assert from 'node:assert/strict';
import { test } from 'node:test';
import { add, emptyTree, noSettings, shownPath } from '../../src/conversation';
import type { Conversation } from '../../src/conversation';
import { FormatError, readConversation, readFile, writeFile } from '../../src/conversation_file';

const question = { id: 'a', parent: null, role: 'user', text: 'hello' } as const;
const answer = {
  id: 'b',
  parent: 'a',
  role: 'assistant',
  text: 'hi',
  model: 'm',
  state: 'done',
  stats: { promptTokens: 1, cachedTokens: null, completionTokens: 2, ttftMs: 3, tokensPerSecond: 4, memoryBytes: null },
} as const;
const conversation: Conversation = {
  id: 'c1',
  title: 'Hello',
  isNamed: true,
  updated: 5,
  settings: { ...noSettings, temperature: 0.5, schema: '{}' },
  lanes: [{ model: 'm', tree: add(add(emptyTree, question), answer) }, { model: 'n', tree: emptyTree }],
};

test('what is written is read back as it was', () => {
  assert.deepEqual(readFile(writeFile([conversation])), [conversation]);
});

test('reasoning and calls are kept, what is none is not', () => {
  const called = { ...answer, text: '', reasoning: 'so', calls: [{ name: 'f', arguments: '{}' }] };
  const lanes = [{ model: 'm', tree: add(add(emptyTree, question), called) }];
  assert.deepEqual(readConversation({ ...conversation, lanes }).lanes, lanes);
  const odd = { ...called, reasoning: 7, calls: [null, { name: 'f' }, 'x'] };
  const read = readConversation({ ...conversation, lanes: [{ model: 'm', tree: add(add(emptyTree, question), odd as never) }] });
  const { text, reasoning, calls } = read.lanes[0]?.tree.messages.b ?? {};
  assert.deepEqual([text, reasoning, calls], ['', undefined, undefined]);
});

test('where tokens were made is kept while it tells the text', () => {
  const pieces = [
    { place: 'exit1', reason: 'sure', text: 'h', tokens: 1 },
    { place: 'cloud', reason: 'asked', text: 'i', tokens: 1 },
  ] as const;
  const stats = { ...answer.stats, places: { exit1: 1, exit2: 0, cloud: 1, degraded: 0 } };
  const placed = { ...answer, stats, pieces: [...pieces] };
  const lanes = [{ model: 'm', tree: add(add(emptyTree, question), placed) }];
  assert.deepEqual(readConversation({ ...conversation, lanes }).lanes, lanes);
  const odd = { ...placed, pieces: [...pieces, { place: 'moon', reason: '', text: '!', tokens: 1 }, null] };
  const read = (message: object) =>
    readConversation({ ...conversation, lanes: [{ model: 'm', tree: add(add(emptyTree, question), message as never) }] }).lanes[0]?.tree.messages.b?.pieces;
  assert.deepEqual(read(odd), pieces);
  assert.equal(read({ ...placed, text: 'ho' }), undefined);
});

const withMessages = (messages: unknown) => ({ ...conversation, lanes: [{ model: 'm', tree: { messages, chosen: {} } }] });

test('a wrong file is refused with the place', () => {
  const refused: [string, RegExp][] = [
    ['{', /not JSON/],
    ['[]', /the file is not an object/],
    ['{}', /no list of conversations/],
    ['{"conversations":[7]}', /conversation 1 is not an object/],
    [JSON.stringify({ conversations: [conversation, { ...conversation, lanes: [] }] }), /conversation 2 .* lanes/],
    [JSON.stringify({ conversations: [{ ...conversation, title: 3 }] }), /conversation 1, title/],
    [JSON.stringify({ conversations: [withMessages({ a: { ...question, role: 'root' } })] }), /message a has no known role/],
    [JSON.stringify({ conversations: [withMessages({ a: { ...question, text: null } })] }), /message a, text/],
    [JSON.stringify({ conversations: [withMessages({ b: answer, a: question })] }), /message b answers .* not before it/],
    ['{"conversations":[{"id":"x","title":"x","lanes":[{"tree":{"chosen":{},"messages":{"__proto__":{}}}}]}]}', /malformed name/],
  ];
  for (const [text, pattern] of refused) {
    const isRefused = (error: unknown) => error instanceof FormatError && pattern.test(error.message);
    assert.throws(() => readFile(text), isRefused, text);
  }
});

test('a choice that names no child is dropped', () => {
  const read = readConversation({ ...conversation, lanes: [{ model: 'm', tree: { messages: { a: question }, chosen: { '': 'a', a: 'zz', b: 'a' } } }] });
  assert.deepEqual(read.lanes[0]?.tree.chosen, { '': 'a' });
});

test('an answer that was being written has stopped', () => {
  const messages = { a: question, b: { ...answer, state: 'streaming' } };
  const read = readConversation({ ...conversation, lanes: [{ model: 'm', tree: { messages, chosen: { '': 'a', a: 'b' } } }] });
  const tree = read.lanes[0]?.tree ?? emptyTree;
  assert.equal(shownPath(tree).at(-1)?.state, 'stopped');
});
