// What the charts show: samples of GET /verge/live and the rates between two of them. Pure.
import type { Live, LiveModel, Percentiles } from './api';

export interface Sample {
  atMs: number;
  live: Live;
}

export const longest = 300;

/** Rates over less would be noise. */
const leastMs = 500;
/** After more, nobody was looking: the lines are broken. */
const gapMs = 5000;

/** Keeps the last `longest` samples; a server that started again starts a new history. */
export function append(history: Sample[], sample: Sample): Sample[] {
  const last = history.at(-1);
  if (!last || sample.live.uptime_s < last.live.uptime_s) return [sample];
  if (sample.atMs - last.atMs < leastMs) return history;
  const hole: Sample = { atMs: sample.atMs - 1, live: { ...sample.live, models: [] } };
  const isGap = sample.atMs - last.atMs > gapMs;
  return [...history, ...(isGap ? [hole] : []), sample].slice(-longest);
}

const modelIn = (sample: Sample | undefined, name: string): LiveModel | undefined =>
  sample?.live.models.find((model) => model.name === name);

function ratesOf(history: Sample[], name: string, read: (model: LiveModel) => number | undefined) {
  return history.map((sample, index) => {
    const before = history[index - 1];
    const now = modelIn(sample, name);
    const then = modelIn(before, name);
    const seconds = before ? sample.live.uptime_s - before.live.uptime_s : 0;
    const newer = now && read(now);
    const older = then && read(then);
    if (newer === undefined || older === undefined || seconds <= 0 || newer < older) return null;
    return (newer - older) / seconds;
  });
}

type Row = (number | null)[];

const rowOf = (history: Sample[], name: string, read: (model: LiveModel) => number | null | undefined): Row =>
  history.map((sample) => {
    const model = modelIn(sample, name);
    return (model && read(model)) ?? null;
  });

const percentilesOf = (history: Sample[], name: string, read: (model: LiveModel) => Percentiles | null | undefined) =>
  (['p50', 'p90', 'p99'] as const).map((which) =>
    rowOf(history, name, (model) => {
      const value = read(model)?.[which];
      return value === null || value === undefined ? null : value * 1000;
    }),
  );

/** One row of numbers for each line of each chart, as long as the history. */
export function rowsOf(history: Sample[], name: string): Record<'requests' | 'batch' | 'pages' | 'speed' | 'ttft' | 'tpot', Row[]> {
  const row = (read: (model: LiveModel) => number | null | undefined) => rowOf(history, name, read);
  return {
    requests: [row((m) => m.running), row((m) => m.waiting)],
    batch: [row((m) => m.batch)],
    pages: [
      row((m) => m.kv && m.kv.pages - m.kv.free - m.kv.cached),
      row((m) => m.kv?.cached),
      row((m) => m.kv?.free),
    ],
    speed: [ratesOf(history, name, (m) => m.tokens?.prefill), ratesOf(history, name, (m) => m.tokens?.decode)],
    ttft: percentilesOf(history, name, (m) => m.ttft),
    tpot: percentilesOf(history, name, (m) => m.tpot),
  };
}
