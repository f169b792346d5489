import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Live, LiveModel } from '../../src/api';
import { append, longest, rowsOf } from '../../src/live_history';
import type { Sample } from '../../src/live_history';

function sample(uptime_s: number, model: Partial<LiveModel> = {}): Sample {
  const live: Live = { uptime_s, rss_bytes: 1, queue: 0, models: [{ name: 'm', loaded: true, ...model }] };
  return { atMs: uptime_s * 1000, live };
}

test('rates are differences over the time of the server', () => {
  const history = [
    sample(10, { tokens: { prefill: 100, decode: 5 } }),
    sample(12, { tokens: { prefill: 300, decode: 5 } }),
    sample(12.5, { tokens: { prefill: 310, decode: 55 } }),
  ];
  assert.deepEqual(rowsOf(history, 'm').speed, [[null, 100, 20], [null, 0, 100]]);
});

test('a counter that fell, as after a reload of the model, gives no rate', () => {
  const history = [sample(1, { tokens: { prefill: 9, decode: 9 } }), sample(2, { tokens: { prefill: 0, decode: 0 } })];
  assert.deepEqual(rowsOf(history, 'm').speed, [[null, null], [null, null]]);
});

test('pages that are not free and not cached are used; latencies are in milliseconds', () => {
  const rows = rowsOf([sample(1, { kv: { pages: 10, free: 3, cached: 2 }, ttft: { p50: 0.25, p90: 1, p99: null } })], 'm');
  assert.deepEqual(rows.pages, [[5], [2], [3]]);
  assert.deepEqual(rows.ttft, [[250], [1000], [null]]);
  assert.deepEqual(rows.tpot, [[null], [null], [null]]);
});

test('a model that is not there has empty rows of the right length', () => {
  assert.deepEqual(rowsOf([sample(1), sample(2)], 'other').requests, [[null, null], [null, null]]);
});

test('the history is bounded and begins again with the server', () => {
  let history: Sample[] = [];
  for (let second = 1; second <= longest + 10; second += 1) history = append(history, sample(second));
  assert.equal(history.length, longest);
  assert.equal(history[0]?.live.uptime_s, 11);
  assert.equal(append(history, sample(0.5)).length, 1);
});

test('samples that follow too soon are dropped, and a gap breaks the lines', () => {
  const busy = { running: 2 };
  const history = append(append(append([], sample(1, busy)), sample(1.4, busy)), sample(60, busy));
  assert.deepEqual(rowsOf(history, 'm').requests[0], [2, null, 2]);
});
