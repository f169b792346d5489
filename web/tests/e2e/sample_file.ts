// An exported conversation whose answer has every kind of mark, and text that would harm as HTML.
const answer = `# Title

Some **bold**, *slanted*, ~~struck~~ and \`inline\` text with a [link](https://example.org/a) and a
[bad one](javascript:alert(1)).

1. one
2. two
   - nested

> quoted

| a | b |
|---|--:|
| 1 | 2 |

\`\`\`html
<script>alert(1)</script>
\`\`\`

<img src=x onerror="alert(1)"><script>alert(1)</script><svg onload=alert(1)> ![i](https://example.org/a.png"onerror=)`;

const messages = {
  q1: { parent: null, role: 'user', text: 'Show me <b>everything</b>' },
  a1: { parent: 'q1', role: 'assistant', text: answer, model: 'sample', state: 'done' },
};

export const sampleFile = JSON.stringify({
  version: 1,
  conversations: [
    {
      id: 'sample',
      title: 'Sample',
      isNamed: true,
      updated: 1,
      settings: {},
      lanes: [{ model: '', tree: { messages, chosen: { '': 'q1', q1: 'a1' } } }],
    },
  ],
});
