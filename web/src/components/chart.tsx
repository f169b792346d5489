import { useEffect, useRef } from 'preact/hooks';
import uPlot from 'uplot';
import { useStore } from '../store';
import { theme } from '../theme';

type Row = (number | null)[];

interface Props {
  title: string;
  unit: string;
  names: string[];
  /** Seconds since 1970 of each sample, and the values of each line. */
  times: number[];
  rows: Row[];
  format: (value: number | null | undefined) => string;
  isWhole?: boolean;
}

const height = 180;
const leastS = 60;
const mostS = 300;

// A canvas knows no style sheet: the colours are read from an element that has the class.
function colourOf(name: string, near: HTMLElement): string {
  const probe = document.createElement('i');
  probe.className = name;
  near.append(probe);
  const colour = getComputedStyle(probe).color;
  probe.remove();
  return colour;
}

function optionsFor(box: HTMLElement, { names, format, isWhole }: Props): uPlot.Options {
  const muted = colourOf('ink-muted', box);
  const grid = { stroke: colourOf('ink-grid', box), width: 1 };
  const font = `11px ${getComputedStyle(box).fontFamily}`;
  const axis = { stroke: muted, font, grid, ticks: { show: false } };
  return {
    width: box.clientWidth,
    height,
    legend: { show: false },
    cursor: { show: false },
    padding: [8, 16, 0, 0],
    scales: {
      x: { range: (_self, min, max) => [max - Math.min(mostS, Math.max(leastS, max - min)), max] },
      y: { range: (_self, _min, max) => [0, max > 0 ? max * 1.1 : 1] },
    },
    axes: [
      { ...axis, size: 26, grid: { show: false }, splits: marksOf, values: agoTexts },
      {
        ...axis,
        size: 58,
        space: 32,
        values: (_self, ticks) => ticks.map(format),
        ...(isWhole ? { incrs: wholeSteps } : {}),
      },
    ],
    series: [
      {},
      ...names.map((label, index) => ({
        label,
        stroke: colourOf(`ink-${index + 1}`, box),
        width: 2,
        points: { show: false },
      })),
    ],
  };
}

const wholeSteps = [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10000, 50000, 100000];

// Marks that stand still while the lines move on: now, and even steps before it.
function marksOf(plot: uPlot): number[] {
  const { min = 0, max = 0 } = plot.scales.x ?? {};
  const step = [15, 30, 60].find((seconds) => (max - min) / seconds <= 6) ?? 60;
  const count = Math.floor((max - min) / step);
  return Array.from({ length: count + 1 }, (_, index) => max - step * (count - index));
}

function agoTexts(_plot: uPlot, marks: number[]): string[] {
  const now = marks.at(-1) ?? 0;
  return marks.map((at) => {
    const seconds = Math.round(now - at);
    if (seconds === 0) return 'now';
    return seconds % 60 === 0 ? `${seconds / 60} min` : `${seconds} s`;
  });
}

function usePlot(props: Props) {
  const box = useRef<HTMLDivElement>(null);
  const plot = useRef<uPlot | null>(null);
  const colours = useStore(theme);
  const data = [props.times, ...props.rows] as uPlot.AlignedData;
  useEffect(() => {
    const at = box.current;
    if (!at) return undefined;
    const draw = () => {
      plot.current?.destroy();
      plot.current = new uPlot(optionsFor(at, props), data, at);
    };
    draw();
    const observer = new ResizeObserver(() => plot.current?.setSize({ width: at.clientWidth, height }));
    observer.observe(at);
    const scheme = matchMedia('(prefers-color-scheme: dark)');
    scheme.addEventListener('change', draw);
    return () => {
      scheme.removeEventListener('change', draw);
      observer.disconnect();
      plot.current?.destroy();
      plot.current = null;
    };
  }, [colours]);
  useEffect(() => plot.current?.setData(data), [props.times]);
  return box;
}

/** Lines over the last five minutes. The latest values stand below as text, which is also the legend. */
export function Chart(props: Props) {
  const box = usePlot(props);
  return (
    <figure class="chart">
      <figcaption>
        <h3>{props.title}</h3>
        <span>{props.unit}</span>
      </figcaption>
      <div class="plot" ref={box} aria-hidden="true" />
      <dl class="latest">
        {props.names.map((name, index) => (
          <div key={name}>
            <dt>
              <i class={`swatch ink-${index + 1}`} aria-hidden="true" />
              {name}
            </dt>
            <dd>{props.format(props.rows[index]?.at(-1))}</dd>
          </div>
        ))}
      </dl>
    </figure>
  );
}
