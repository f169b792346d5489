// GET /api/node of `verge node start --metrics-port`, read each second.
import { messageOf, readNode } from '../api';
import { Chart } from '../components/chart';
import { Tile } from '../components/tile';
import { usePolling } from '../components/use_polling';
import { formatBytes, formatDuration, formatMs, formatNumber } from '../format';
import { append, rowsOf } from '../node_history';
import type { NodeCollab, NodeSample, NodeState } from '../node_history';
import { createStore, useStore } from '../store';

const history = createStore<NodeSample[]>([]);
const problem = createStore('');

async function refresh(): Promise<void> {
  try {
    const node = await readNode();
    history.set(append(history.get(), { atMs: Date.now(), node }));
    problem.set('');
  } catch (error) {
    problem.set(messageOf(error));
  }
}

const whole = (value: number | null | undefined) => formatNumber(value);
const tenths = (value: number | null | undefined) => formatNumber(value, 1);
const dateOf = (unixS: number) => new Date(unixS * 1000).toISOString().slice(0, 10);
const daysUntil = (unixS: number) => Math.max(0, Math.floor((unixS - Date.now() / 1000) / 86400));

function CollabTiles({ collab }: { collab: NodeCollab }) {
  return (
    <>
      <Tile name="Sessions" value={whole(collab.sessions)} note={`${whole(collab.contexts)} with pages`} />
      <Tile name="Queue" value={whole(collab.waiting)} />
      <Tile name="Batch" value={whole(collab.batch)} note="in the last step" />
      <Tile name="States" value={formatBytes(collab.states_bytes)} note={`of ${formatBytes(collab.states_limit_bytes)}`} />
      <Tile name="Evictions" value={whole(collab.evictions)} note={`${whole(collab.resumes)} begun again`} />
    </>
  );
}

function Tiles({ node }: { node: NodeState }) {
  const { collab } = node;
  return (
    <dl class="tiles">
      {collab && <CollabTiles collab={collab} />}
      <Tile
        name="Memory"
        value={formatBytes(node.rss_bytes)}
        {...(collab ? { note: `${formatBytes(collab.planned_bytes)} planned` } : {})}
      />
      <Tile name="Peers" value={whole(node.peers)} note={`${whole(node.channels)} channels`} />
      <Tile
        name="Certificate"
        value={`${whole(daysUntil(node.certificate_until_unix_s))} d`}
        note={`until ${dateOf(node.certificate_until_unix_s)}`}
      />
      <Tile name="Up for" value={formatDuration(node.uptime_s)} note={node.activity} />
    </dl>
  );
}

function Charts() {
  const samples = useStore(history);
  const times = samples.map((sample) => sample.atMs / 1000);
  const rows = rowsOf(samples);
  const counts = { times, format: whole, isWhole: true };
  return (
    <div class="charts">
      <Chart title="Sessions" unit="of devices" names={['all', 'with pages']} rows={rows.sessions} {...counts} />
      <Chart title="Queue" unit="questions" names={['waiting']} rows={rows.queue} {...counts} />
      <Chart title="Batch" unit="sessions in a step" names={['mean']} rows={rows.batch} times={times} format={tenths} />
      <Chart title="KV pages" unit="pages" names={['used', 'free']} rows={rows.pages} {...counts} />
      <Chart title="States" unit="bytes" names={['memory', 'files']} rows={rows.states} times={times} format={formatBytes} />
      <Chart title="Answers" unit="tokens/s" names={['tokens']} rows={rows.speed} times={times} format={tenths} />
      <Chart title="Time to answer" unit="mean" names={['all']} rows={rows.finish} times={times} format={formatMs} />
      <Chart
        title="Lost"
        unit="per second"
        names={['evictions', 'begun again', 'not answered']}
        {...{ times, rows: rows.lost, format: tenths }}
      />
      <Chart title="Links" unit="bytes/s" names={['received', 'sent']} rows={rows.link} times={times} format={formatBytes} />
    </div>
  );
}

export function NodePage() {
  usePolling(refresh);
  const node = useStore(history).at(-1)?.node;
  const wrong = useStore(problem);
  return (
    <div class="page">
      <div class="page-head">
        <h1>{node ? `${node.node} of ${node.fleet}` : 'Node'}</h1>
        {node && <span class="muted">{[`role ${node.role}`, node.collab && `model ${node.collab.model}`].filter(Boolean).join(', ')}</span>}
      </div>
      {wrong && (
        <p class="problem" role="alert">
          {wrong}
        </p>
      )}
      {node && <Tiles node={node} />}
      {node?.collab ? <Charts /> : node && <p class="muted">It finishes no tokens of devices (--collab).</p>}
    </div>
  );
}
