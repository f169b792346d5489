import { useId } from 'preact/hooks';
import { messageOf } from '../api';
import { noSettings } from '../conversation';
import type { Conversation, Settings } from '../conversation';
import { changeConversation } from '../conversations';
import { JsonField } from './json_field';
import { Panel } from './panel';
import { ToolsField } from './tools_field';

type NumberName = 'temperature' | 'top_p' | 'top_k' | 'max_tokens' | 'seed';
interface NumberField {
  name: NumberName;
  label: string;
  hint: string;
  min: number;
  max?: number;
  step: number;
}

const numbers: NumberField[] = [
  { name: 'temperature', label: 'Temperature', hint: '0 takes the likeliest token', min: 0, max: 2, step: 0.1 },
  { name: 'top_p', label: 'Top p', hint: 'smallest set with this probability', min: 0, max: 1, step: 0.05 },
  { name: 'top_k', label: 'Top k', hint: 'only the k likeliest; 0 takes all', min: 0, step: 1 },
  { name: 'max_tokens', label: 'Most tokens', hint: 'of one answer', min: 1, step: 1 },
  { name: 'seed', label: 'Seed', hint: 'the same seed, the same answer', min: 0, step: 1 },
];

function NumberInput({ field, value, onChange }: { field: NumberField; value: number | null; onChange: (v: number | null) => void }) {
  const id = useId();
  const onInput = (text: string) => {
    const number = Number(text);
    onChange(text === '' || !Number.isFinite(number) ? null : number);
  };
  return (
    <div class="field row">
      <label for={id}>
        <span>{field.label}</span>
        <small>{field.hint}</small>
      </label>
      <input
        id={id}
        type="number"
        inputMode="decimal"
        placeholder="default"
        min={field.min}
        max={field.max}
        step={field.step}
        value={value ?? ''}
        onInput={(event) => onInput(event.currentTarget.value)}
      />
    </div>
  );
}

/** Why a schema cannot be used, or nothing. */
export function schemaProblem(text: string): string {
  if (!text.trim()) return '';
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null ? '' : 'A schema is an object.';
  } catch (error) {
    return messageOf(error);
  }
}

export function SettingsPanel({ conversation, onClose }: { conversation: Conversation; onClose: () => void }) {
  const { settings } = conversation;
  const set = (patch: Partial<Settings>) =>
    changeConversation(conversation.id, (old) => ({ ...old, settings: { ...old.settings, ...patch } }));
  const system = useId();
  return (
    <Panel name="Settings" class="settings" onClose={onClose}>
      <div class="panel-body">
        <div class="field">
          <label for={system}>
            <span>System prompt</span>
            <small>stands before every conversation</small>
          </label>
          <textarea
            id={system}
            rows={4}
            value={settings.system}
            onInput={(event) => set({ system: event.currentTarget.value })}
          />
        </div>
        {numbers.map((field) => (
          <NumberInput
            key={field.name}
            field={field}
            value={settings[field.name]}
            onChange={(value) => set({ [field.name]: value })}
          />
        ))}
        <ToolsField settings={settings} onChange={set} />
        <JsonField
          label="JSON schema"
          hint="the answer will be JSON that follows it"
          placeholder={'{"type": "object", …}'}
          rows={5}
          value={settings.schema}
          problem={schemaProblem(settings.schema)}
          onChange={(schema) => set({ schema })}
        />
        <button type="button" class="button" onClick={() => set(noSettings)}>
          Back to defaults
        </button>
      </div>
    </Panel>
  );
}
