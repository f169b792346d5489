import { useId } from 'preact/hooks';
import type { Settings } from '../conversation';
import { exampleTools, toolNames, toolsProblem, withTool } from '../tools';

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

/** What the model may call: JSON that is checked as it is written, and whether it must. */
export function ToolsField({ settings, onChange }: Props) {
  const id = useId();
  const problem = toolsProblem(settings.tools);
  return (
    <>
      <div class="field">
        <label for={id}>
          <span>Tools</span>
          <small>functions that the model may call, as OpenAI writes them</small>
        </label>
        <textarea
          id={id}
          class="monospace"
          rows={6}
          spellcheck={false}
          placeholder={'[{"type": "function", "function": {"name": …}}]'}
          value={settings.tools}
          aria-invalid={problem !== ''}
          aria-describedby={`${id}-problem`}
          onInput={(event) => onChange({ tools: event.currentTarget.value })}
        />
        <p id={`${id}-problem`} class="problem small" hidden={!problem}>
          {problem}
        </p>
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
      </div>
      <ToolChoice settings={settings} onChange={onChange} />
    </>
  );
}
