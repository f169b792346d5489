import assert from 'node:assert/strict';
import { test } from 'node:test';
import { append, longest, rowsOf } from '../../src/node_history';
import type { NodeCollab, NodeSample } from '../../src/node_history';

const idle: NodeCollab = {
  model: 'm', sessions: 0, contexts: 0, waiting: 0, batch: 0, kv: { pages: 8, used: 0 }, states_bytes: 0,
  states_limit_bytes: 1, spilled_bytes: 0, planned_bytes: 1, steps: 0, segments: 0, tokens: 0, evictions: 0,
  nacks: 0, resumes: 0, restored: 0, shed: 0, busy: 0, late: 0, engine_s: 0, finish_s: 0,
};

function sample(uptime_s: number, collab: Partial<NodeCollab> | null, bytes = 0): NodeSample {
  return {
    atMs: uptime_s * 1000,
    node: {
      node: 'n', fleet: 'f', role: 'cloud', activity: 'running', uptime_s, rss_bytes: 1, certificate_until_unix_s: 0,
      channels: 0, peers: 0, bytes_sent: 0, bytes_received: bytes, collab: collab && { ...idle, ...collab },
    },
  };
}

test('batches are sessions over steps, latencies seconds over tokens, of the time between two samples', () => {
  const rows = rowsOf([
    sample(10, { steps: 4, segments: 4, tokens: 4, finish_s: 1 }),
    sample(12, { steps: 6, segments: 14, tokens: 14, finish_s: 1.5 }, 4000),
    sample(13, { steps: 6, segments: 14, tokens: 14, finish_s: 1.5 }, 4000),
  ]);
  assert.deepEqual(rows.batch, [[null, 5, null]]);
  assert.deepEqual(rows.finish, [[null, 50, null]]);
  assert.deepEqual(rows.speed, [[null, 5, 0]]);
  assert.deepEqual(rows.link[0], [null, 2000, 0]);
});

test('pages that are not used are free; a node without a model has empty rows', () => {
  const rows = rowsOf([sample(1, { kv: { pages: 8, used: 3 }, waiting: 2 }), sample(2, null)]);
  assert.deepEqual(rows.pages, [[3, null], [5, null]]);
  assert.deepEqual(rows.queue, [[2, null]]);
});

test('the history is bounded and begins again with the node', () => {
  let history: NodeSample[] = [];
  for (let second = 1; second <= longest + 10; second += 1) history = append(history, sample(second, {}));
  assert.equal(history.length, longest);
  assert.equal(append(history, sample(1, {})).length, 1);
});
