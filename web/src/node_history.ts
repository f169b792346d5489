// What the charts of a node show: samples of GET /api/node and the rates between two of them. Pure.

/** Of the model whose tokens the node finishes for devices. */
export interface NodeCollab {
  model: string;
  sessions: number;
  contexts: number;
  waiting: number;
  batch: number;
  kv: { pages: number; used: number };
  states_bytes: number;
  states_limit_bytes: number;
  spilled_bytes: number;
  planned_bytes: number;
  steps: number;
  segments: number;
  tokens: number;
  evictions: number;
  nacks: number;
  resumes: number;
  restored: number;
  shed: number;
  busy: number;
  late: number;
  engine_s: number;
  finish_s: number;
}

export interface NodeState {
  node: string;
  fleet: string;
  role: string;
  activity: string;
  uptime_s: number;
  rss_bytes: number;
  certificate_until_unix_s: number;
  channels: number;
  peers: number;
  bytes_sent: number;
  bytes_received: number;
  collab: NodeCollab | null;
}

export interface NodeSample {
  atMs: number;
  node: NodeState;
}

export const longest = 300;

/** Keeps the last `longest` samples; a node that started again starts a new history. */
export function append(history: NodeSample[], sample: NodeSample): NodeSample[] {
  const last = history.at(-1);
  if (last && sample.node.uptime_s < last.node.uptime_s) return [sample];
  return [...history, sample].slice(-longest);
}

type Row = (number | null)[];
type Read = (collab: NodeCollab) => number;

const rowOf = (history: NodeSample[], read: Read): Row =>
  history.map(({ node }) => (node.collab ? read(node.collab) : null));

/** The growth of `above` over that of `below` between two samples; null where nothing grew. */
function ratioOf(history: NodeSample[], above: (node: NodeState) => number, below: (node: NodeState) => number): Row {
  return history.map(({ node }, index) => {
    const before = history[index - 1]?.node;
    const growth = before ? below(node) - below(before) : 0;
    return before && growth > 0 ? (above(node) - above(before)) / growth : null;
  });
}

const uptime = (node: NodeState) => node.uptime_s;
const counter = (read: Read) => (node: NodeState) => (node.collab ? read(node.collab) : 0);

/** One row of numbers for each line of each chart, as long as the history. */
export function rowsOf(
  history: NodeSample[],
): Record<'sessions' | 'queue' | 'batch' | 'pages' | 'states' | 'speed' | 'finish' | 'lost' | 'link', Row[]> {
  const row = (read: Read) => rowOf(history, read);
  const perSecond = (read: (node: NodeState) => number) => ratioOf(history, read, uptime);
  return {
    sessions: [row((c) => c.sessions), row((c) => c.contexts)],
    queue: [row((c) => c.waiting)],
    batch: [ratioOf(history, counter((c) => c.segments), counter((c) => c.steps))],
    pages: [row((c) => c.kv.used), row((c) => c.kv.pages - c.kv.used)],
    states: [row((c) => c.states_bytes), row((c) => c.spilled_bytes)],
    speed: [perSecond(counter((c) => c.tokens))],
    finish: [
      ratioOf(history, counter((c) => c.finish_s * 1000), counter((c) => c.tokens)),
    ],
    lost: [
      perSecond(counter((c) => c.evictions)),
      perSecond(counter((c) => c.resumes)),
      perSecond(counter((c) => c.busy + c.late)),
    ],
    link: [perSecond((node) => node.bytes_received), perSecond((node) => node.bytes_sent)],
  };
}
