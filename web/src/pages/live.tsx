import { useState } from 'preact/hooks';
import type { LiveModel } from '../api';
import { Chart } from '../components/chart';
import { Tile } from '../components/tile';
import { formatBytes, formatDuration, formatMs, formatNumber } from '../format';
import { live, liveHistory, liveProblem, useLive } from '../live';
import { rowsOf } from '../live_history';
import { useStore } from '../store';

const whole = (value: number | null | undefined) => formatNumber(value);
const speed = (value: number | null | undefined) => formatNumber(value, 1);

function Tiles() {
  const now = useStore(live);
  const sum = (read: (model: LiveModel) => number | undefined) =>
    now?.models.reduce((total, model) => total + (read(model) ?? 0), 0);
  return (
    <dl class="tiles">
      <Tile name="Running" value={whole(sum((model) => model.running))} />
      <Tile name="Queue" value={whole(now?.queue)} />
      <Tile name="Preemptions" value={whole(sum((model) => model.preemptions))} note="since the start" />
      <Tile
        name="Memory"
        value={formatBytes(now?.rss_bytes)}
        {...(now?.memory_limit_bytes ? { note: `of ${formatBytes(now.memory_limit_bytes)}` } : {})}
      />
      <Tile name="Up for" value={now ? formatDuration(now.uptime_s) : '–'} />
    </dl>
  );
}

function Charts({ name }: { name: string }) {
  const history = useStore(liveHistory);
  const times = history.map((sample) => sample.atMs / 1000);
  const rows = rowsOf(history, name);
  const percentiles = ['p50', 'p90', 'p99'];
  return (
    <div class="charts">
      <Chart
        title="Requests"
        unit="sequences"
        names={['running', 'waiting']}
        {...{ times, rows: rows.requests, format: whole, isWhole: true }}
      />
      <Chart
        title="Batch"
        unit="sequences in a step"
        names={['batch']}
        {...{ times, rows: rows.batch, format: whole, isWhole: true }}
      />
      <Chart
        title="KV pages"
        unit="pages"
        names={['used', 'cached', 'free']}
        {...{ times, rows: rows.pages, format: whole, isWhole: true }}
      />
      <Chart title="Speed" unit="tokens/s" names={['prefill', 'decode']} {...{ times, rows: rows.speed, format: speed }} />
      <Chart
        title="Time to first token"
        unit="TTFT"
        names={percentiles}
        {...{ times, rows: rows.ttft, format: formatMs }}
      />
      <Chart
        title="Time per output token"
        unit="TPOT"
        names={percentiles}
        {...{ times, rows: rows.tpot, format: formatMs }}
      />
    </div>
  );
}

export function LivePage() {
  useLive();
  const now = useStore(live);
  const problem = useStore(liveProblem);
  const [chosen, setChosen] = useState('');
  const loaded = now?.models.filter((model) => model.loaded) ?? [];
  const name = loaded.some((model) => model.name === chosen) ? chosen : loaded[0]?.name;
  return (
    <div class="page">
      <div class="page-head">
        <h1>Live load</h1>
        {loaded.length > 1 && (
          <label class="model-select">
            <span class="visually-hidden">Model of the charts</span>
            <select value={name} onChange={(event) => setChosen(event.currentTarget.value)}>
              {loaded.map((model) => (
                <option key={model.name}>{model.name}</option>
              ))}
            </select>
          </label>
        )}
      </div>
      {problem && (
        <p class="problem" role="alert">
          {problem}
        </p>
      )}
      <Tiles />
      {name ? <Charts key={name} name={name} /> : now && <p class="muted">No model is loaded.</p>}
    </div>
  );
}
