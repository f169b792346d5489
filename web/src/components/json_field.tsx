import type { ComponentChildren } from 'preact';
import { useId } from 'preact/hooks';

interface Props {
  label: string;
  hint: string;
  placeholder: string;
  rows: number;
  value: string;
  problem: string;
  onChange: (text: string) => void;
  children?: ComponentChildren;
}

/** JSON that is checked as it is written. `problem`: why it cannot be used, or nothing. */
export function JsonField({ label, hint, placeholder, rows, value, problem, onChange, children }: Props) {
  const id = useId();
  return (
    <div class="field">
      <label for={id}>
        <span>{label}</span>
        <small>{hint}</small>
      </label>
      <textarea
        id={id}
        class="monospace"
        rows={rows}
        spellcheck={false}
        placeholder={placeholder}
        value={value}
        aria-invalid={problem !== ''}
        aria-describedby={`${id}-problem`}
        onInput={(event) => onChange(event.currentTarget.value)}
      />
      <p id={`${id}-problem`} class="problem small" hidden={!problem}>
        {problem}
      </p>
      {children}
    </div>
  );
}
