import assert from 'node:assert/strict';
import { test } from 'node:test';
import { add, change, counterpart, emptyTree, historyOf, show, shownPath, titleFrom, versionsOf, withCall } from '../../src/conversation';
import type { Message, Role, Tree } from '../../src/conversation';
import { randomFrom } from './random';

const message = (id: string, parent: string | null, role: Role = 'user'): Message => ({ id, parent, role, text: `text of ${id}` });
const ids = (messages: Message[]) => messages.map(({ id }) => id);

function treeOf(...messages: Message[]): Tree {
  return messages.reduce(add, emptyTree);
}

test('an edit is a branch that leaves the old one as it was', () => {
  const before = treeOf(message('a', null), message('b', 'a', 'assistant'), message('c', 'b'));
  const after = add(before, message('a2', null));
  assert.deepEqual(ids(shownPath(before)), ['a', 'b', 'c']);
  assert.deepEqual(ids(shownPath(after)), ['a2']);
  assert.deepEqual(versionsOf(after, 'a2'), { ids: ['a', 'a2'], index: 1 });
  assert.deepEqual(ids(shownPath(show(after, 'a'))), ['a', 'b', 'c']);
});

test('each branch remembers which version was shown below it', () => {
  let tree = treeOf(message('a', null), message('b', 'a', 'assistant'), message('b2', 'a', 'assistant'));
  tree = add(show(tree, 'b'), message('z', null));
  assert.deepEqual(ids(shownPath(show(tree, 'a'))), ['a', 'b']);
});

test('history ends before the message', () => {
  const tree = treeOf(message('a', null), message('b', 'a', 'assistant'), message('c', 'b'), message('b2', 'a', 'assistant'));
  assert.deepEqual(ids(historyOf(tree, 'c')), ['a', 'b']);
  assert.deepEqual(ids(historyOf(tree, 'b2')), ['a']);
  assert.deepEqual(ids(historyOf(tree, 'a')), []);
});

test('a change is of one message and of a new tree', () => {
  const before = treeOf(message('a', null));
  const after = change(before, 'a', { text: 'new' });
  assert.equal(before.messages.a?.text, 'text of a');
  assert.equal(after.messages.a?.text, 'new');
  assert.equal(change(before, 'nobody', { text: 'new' }), before);
});

test('the other lane takes part in an edit where the same was asked', () => {
  const left = treeOf(message('a', null), message('b', 'a', 'assistant'));
  const same = treeOf({ ...message('x', null), text: 'text of a' });
  assert.equal(counterpart(left, 'a', same)?.id, 'x');
  assert.equal(counterpart(left, 'a', treeOf(message('x', null))), undefined);
  assert.equal(counterpart(left, 'b', same), undefined);
});

test('whatever is added and shown, the path is a chain and every message can be shown', () => {
  const random = randomFrom(3);
  for (let run = 0; run < 200; run += 1) {
    let tree = emptyTree;
    const known: string[] = [];
    for (let step = 0; step < 25; step += 1) {
      const parent = random(5) === 0 ? null : (known[random(known.length)] ?? null);
      tree = add(tree, message(`m${step}`, parent));
      known.push(`m${step}`);
      tree = show(tree, known[random(known.length)] ?? '');
    }
    for (const id of known) {
      let shown = show(tree, id);
      for (const before of historyOf(tree, id)) shown = show(shown, before.id);
      const path = ids(shownPath(shown));
      assert.deepEqual(path.slice(0, path.indexOf(id)), ids(historyOf(tree, id)));
      assert.ok(path.includes(id));
      const { ids: versions, index } = versionsOf(tree, id);
      assert.equal(versions[index], id);
    }
  }
});

test('a title is one short line', () => {
  assert.equal(titleFrom('  one\n two '), 'one two');
  assert.equal(titleFrom(''), 'Untitled');
  const long = titleFrom('🌍'.repeat(100));
  assert.equal([...long].length, 48);
  assert.ok(long.endsWith('…'));
});

test('a call grows in pieces, and others beside it', () => {
  let calls = withCall([], { index: 0, name: 'f', arguments: '{"x"' });
  calls = withCall(calls, { index: 0, name: '', arguments: ':1}' });
  calls = withCall(calls, { index: 1, name: 'g', arguments: '{}' });
  assert.deepEqual(calls, [
    { name: 'f', arguments: '{"x":1}' },
    { name: 'g', arguments: '{}' },
  ]);
});
