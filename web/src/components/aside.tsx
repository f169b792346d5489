// What an answer has besides its text: the reasoning before it, the functions that it calls, what they gave back.
import type { Call } from '../conversation';

export function Reasoning({ text }: { text: string }) {
  return (
    <details class="reasoning">
      <summary>Reasoning</summary>
      <div class="reasoning-text">{text.trim()}</div>
    </details>
  );
}

function spread(json: string): string {
  try {
    return JSON.stringify(JSON.parse(json), null, 2);
  } catch {
    return json; // still growing, or none
  }
}

export function Calls({ calls }: { calls: Call[] }) {
  return (
    <ul class="calls" aria-label="Function calls">
      {calls.map((call, index) => (
        <li key={index}>
          <span class="call-name">{call.name || 'unnamed'}</span>
          <pre>
            <code>{spread(call.arguments)}</code>
          </pre>
        </li>
      ))}
    </ul>
  );
}

export function Results({ calls, results }: { calls: Call[]; results: string[] }) {
  return (
    <ul class="calls results" aria-label="Results of the calls">
      {results.map((result, index) => (
        <li key={index}>
          <span class="call-name">{calls[index]?.name || 'unnamed'}</span>
          <pre>
            <code>{spread(result)}</code>
          </pre>
        </li>
      ))}
    </ul>
  );
}
