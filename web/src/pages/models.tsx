import { useEffect, useState } from 'preact/hooks';
import { announce } from '../announce';
import { messageOf, setLoaded } from '../api';
import type { LiveModel } from '../api';
import { keyVersion } from '../api_key';
import { formatBytes, formatNumber } from '../format';
import { live, refreshLive, useLive } from '../live';
import { models, modelsProblem, refreshModels } from '../models';
import { useStore } from '../store';

interface RowProps {
  name: string;
  model: LiveModel | undefined;
  onProblem: (text: string) => void;
}

function stateOf(model: LiveModel | undefined, isBusy: boolean): string {
  if (isBusy) return model?.loaded ? 'unloading' : 'loading';
  if (model?.loaded) return 'loaded';
  return model?.state === 'loading' || model?.state === 'failed' ? model.state : 'on disk';
}

function ModelRow({ name, model, onProblem }: RowProps) {
  const [isBusy, setBusy] = useState(false);
  const isLoaded = model?.loaded ?? false;
  const toggle = async () => {
    setBusy(true);
    onProblem('');
    try {
      await setLoaded(name, !isLoaded);
      announce(`${name} is ${isLoaded ? 'unloaded' : 'loaded'}.`);
    } catch (error) {
      onProblem(`${name}: ${messageOf(error)}`);
    }
    await refreshLive();
    setBusy(false);
  };
  const state = stateOf(model, isBusy);
  return (
    <tr>
      <th scope="row">{name}</th>
      <td data-name="State">{model ? <span class={`pill ${isLoaded ? 'on' : ''}`}>{state}</span> : '–'}</td>
      <td data-name="Size">
        {formatBytes(model?.bytes)}
        {model?.stream && <small>, {formatBytes(model.stream.step_bytes)} of it read each step</small>}
      </td>
      <td data-name="Context">{formatNumber(model?.context)}</td>
      <td data-name="Weights">{model?.quantization ?? '–'}</td>
      <td data-name="Running">{isLoaded ? formatNumber(model?.running) : '–'}</td>
      <td class="row-action">
        {model && (
          <button type="button" class="button" disabled={isBusy} onClick={() => void toggle()}>
            {isLoaded ? 'Unload' : 'Load'}
            <span class="visually-hidden"> {name}</span>
          </button>
        )}
      </td>
    </tr>
  );
}

export function ModelsPage() {
  const version = useStore(keyVersion);
  useEffect(() => void refreshModels(), [version]);
  useLive();
  const names = useStore(models);
  const now = useStore(live);
  const listProblem = useStore(modelsProblem);
  const [problem, setProblem] = useState('');
  const shown = problem || listProblem;
  return (
    <div class="page">
      <div class="page-head">
        <h1>Models</h1>
      </div>
      {shown && (
        <p class="problem" role="alert">
          {shown}
        </p>
      )}
      <table class="models">
        <thead>
          <tr>
            {['Name', 'State', 'Size', 'Context', 'Weights', 'Running'].map((title) => (
              <th key={title} scope="col">
                {title}
              </th>
            ))}
            <th scope="col">
              <span class="visually-hidden">Action</span>
            </th>
          </tr>
        </thead>
        <tbody>
          {names.map((name) => (
            <ModelRow
              key={name}
              name={name}
              model={now?.models.find((model) => model.name === name)}
              onProblem={setProblem}
            />
          ))}
        </tbody>
      </table>
      {names.length === 0 && !shown && <p class="muted">The server has no model.</p>}
    </div>
  );
}
