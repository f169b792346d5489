import { useState } from 'preact/hooks';
import { apiKey, isAsking, setApiKey } from '../api_key';
import { useStore } from '../store';
import { Dialog } from './dialog';

function KeyForm() {
  const [key, setKey] = useState('');
  const hasKey = apiKey() !== '';
  const onSubmit = (event: Event) => {
    event.preventDefault();
    if (key.trim()) setApiKey(key.trim());
  };
  return (
    <form onSubmit={onSubmit}>
      <p>
        {hasKey ? 'A key is set. A new one takes its place.' : 'This server answers only with a key.'} It is kept until
        this tab closes, and is sent to this server alone.
      </p>
      <label class="field">
        <span>API key</span>
        <input type="password" autocomplete="off" value={key} onInput={(event) => setKey(event.currentTarget.value)} />
      </label>
      <div class="dialog-actions">
        {hasKey && (
          <button type="button" class="button" onClick={() => setApiKey('')}>
            Forget the key
          </button>
        )}
        <button type="button" class="button" onClick={() => isAsking.set(false)}>
          Cancel
        </button>
        <button type="submit" class="button primary" disabled={!key.trim()}>
          Use this key
        </button>
      </div>
    </form>
  );
}

/** Opens when the server answers 401, or from the top bar. */
export function KeyDialog() {
  if (!useStore(isAsking)) return null;
  return (
    <Dialog title="API key" onClose={() => isAsking.set(false)}>
      <KeyForm />
    </Dialog>
  );
}
