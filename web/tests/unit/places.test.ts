import assert from 'node:assert/strict';
import { test } from 'node:test';
import { countPieces, countsOf, originsOf, reasonsOf, summaryOf, whyOf, withPiece } from '../../src/places';
import type { Piece } from '../../src/places';

const sure = { place: 'exit1', reason: 'sure' } as const;
const asked = { place: 'cloud', reason: 'asked' } as const;
const lost = { place: 'degraded', reason: 'link down' } as const;

test('what a chunk says is read, and nothing is trusted', () => {
  assert.deepEqual(originsOf({ places: ['exit1', 'cloud'], reasons: ['sure', 'asked'] }), [sure, asked]);
  assert.deepEqual(originsOf({ places: ['moon', 'exit1'], reasons: ['x', 7] }), [{ place: 'exit1', reason: '' }]);
  for (const odd of [undefined, null, 7, 'cloud', {}, { places: 'cloud' }]) assert.deepEqual(originsOf(odd), []);
  assert.deepEqual(countsOf({ exit1: 2, cloud: 'x', degraded: 1 }), { exit1: 2, exit2: 0, cloud: 0, degraded: 1 });
  assert.equal(countsOf(undefined), null);
});

test('neighbours of one origin are one piece, and text without tokens joins the last', () => {
  let pieces: Piece[] = withPiece([], 'lost', []);
  assert.deepEqual(pieces, []);
  pieces = withPiece(pieces, 'a', [sure]);
  pieces = withPiece(pieces, 'b', [sure]);
  pieces = withPiece(pieces, 'c', [sure, asked]); // the first had no text yet
  pieces = withPiece(pieces, 'd', []);
  pieces = withPiece(pieces, 'e', [lost]);
  assert.deepEqual(pieces, [
    { ...sure, text: 'ab', tokens: 2 },
    { ...asked, text: 'cd', tokens: 2 },
    { ...lost, text: 'e', tokens: 1 },
  ]);
  assert.deepEqual(countPieces(pieces), { exit1: 2, exit2: 0, cloud: 2, degraded: 1 });
});

test('it is told in words', () => {
  assert.equal(summaryOf({ exit1: 1, exit2: 0, cloud: 2, degraded: 0 }), '67% by the cloud, none degraded');
  assert.equal(summaryOf({ exit1: 0, exit2: 0, cloud: 0, degraded: 1 }), '0% by the cloud, 1 token degraded');
  assert.equal(summaryOf({ exit1: 0, exit2: 0, cloud: 0, degraded: 0 }), '0% by the cloud, none degraded');
  assert.equal(whyOf(lost), 'Degraded: the cloud could not be reached');
  assert.equal(whyOf({ place: 'cloud', reason: 'new' }), 'Cloud: new');
  const pieces = [{ ...lost, text: 'a', tokens: 2 }, { ...asked, text: 'b', tokens: 1 }, { place: 'degraded', reason: 'timed out', text: 'c', tokens: 1 }] as const;
  assert.equal(reasonsOf([...pieces], 'degraded'), 'link down 2, timed out 1');
  assert.equal(reasonsOf([...pieces], 'exit2'), '');
});
