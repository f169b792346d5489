import { useId } from 'preact/hooks';
import type { Settings } from '../conversation';
import { exampleTools, toolNames, toolsProblem, withTool } from '../tools';
import { JsonField } from './json_field';

interface Props {
  settings: Settings;
  onChange: (patch: Partial<Settings>) => void;
}

function ToolChoice({ settings, onChange }: Props) {
  const id = useId();
  const names = toolNames(settings.tools);
  const known = ['auto', 'none', 'required', ...names];
  return (
    <div class="field">
      <label for={id}>
        <span>Tool choice</span>
        <small>whether an answer may or must be a call</small>
      </label>
      <select
        id={id}
        disabled={names.length === 0}
        value={known.includes(settings.toolChoice) ? settings.toolChoice : 'auto'}
        onChange={(event) => onChange({ toolChoice: event.currentTarget.value })}
      >
        <option value="auto">The model decides</option>
        <option value="none">No calls</option>
        <option value="required">Some call</option>
        {names.map((name) => (
          <option key={name} value={name}>
            {`A call of ${name}`}
          </option>
        ))}
      </select>
    </div>
  );
}

/** What the model may call, and whether it must. */
export function ToolsField({ settings, onChange }: Props) {
  const problem = toolsProblem(settings.tools);
  return (
    <>
      <JsonField
        label="Tools"
        hint="functions that the model may call, as OpenAI writes them"
        placeholder={'[{"type": "function", "function": {"name": …}}]'}
        rows={6}
        value={settings.tools}
        problem={problem}
        onChange={(tools) => onChange({ tools })}
      >
        <div class="examples" role="group" aria-label="Examples of tools">
          {exampleTools.map(({ label, tool }) => (
            <button
              key={label}
              type="button"
              class="button quiet"
              disabled={problem !== ''}
              onClick={() => onChange({ tools: withTool(settings.tools, tool) })}
            >
              {`Add “${label}”`}
            </button>
          ))}
        </div>
      </JsonField>
      <ToolChoice settings={settings} onChange={onChange} />
    </>
  );
}
