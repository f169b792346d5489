import { useEffect, useRef, useState } from 'preact/hooks';
import type { Call } from '../conversation';

interface Props {
  calls: Call[];
  results?: string[];
  onSend: (results: string[]) => void;
  onClose?: () => void;
}

/** Where the user plays the functions: what each call gives back to the model. */
export function ResultsForm({ calls, results, onSend, onClose }: Props) {
  const [texts, setTexts] = useState(calls.map((_, index) => results?.[index] ?? ''));
  const form = useRef<HTMLFormElement>(null);
  useEffect(() => {
    if (results) form.current?.querySelector('textarea')?.focus();
  }, []);
  const isReady = texts.every((text) => text.trim());
  const submit = () => isReady && onSend(texts.map((text) => text.trim()));
  const onKeyDown = (event: KeyboardEvent) => {
    if (event.key === 'Escape' && onClose) {
      event.stopPropagation();
      onClose();
    }
    if (event.key === 'Enter' && (event.ctrlKey || event.metaKey)) {
      event.preventDefault();
      submit();
    }
  };
  const onSubmit = (event: Event) => {
    event.preventDefault();
    submit();
  };
  return (
    <form ref={form} class="results-form" aria-label="Results of the calls" onSubmit={onSubmit} onKeyDown={onKeyDown}>
      {calls.map((call, index) => (
        <label key={index} class="field">
          <span>{`Result of ${call.name || 'the call'}${calls.length > 1 ? ` (${index + 1})` : ''}`}</span>
          <textarea
            class="monospace"
            rows={2}
            spellcheck={false}
            placeholder={'{"degrees": 21}'}
            value={texts[index]}
            onInput={(event) => {
              const { value } = event.currentTarget;
              setTexts(texts.map((text, at) => (at === index ? value : text)));
            }}
          />
        </label>
      ))}
      <div class="editor-actions">
        {onClose && (
          <button type="button" class="button" onClick={onClose}>
            Cancel
          </button>
        )}
        <button type="submit" class="button primary" title="Send (Ctrl Enter)" disabled={!isReady}>
          {calls.length > 1 ? 'Send results' : 'Send result'}
        </button>
      </div>
    </form>
  );
}
