// Stands in for `verge serve`: the pages as they are built, and answers that were recorded. For work on the pages
// without a model; the build's own test runs against the real server.
import { createServer } from 'node:http';
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import { readFileSync } from 'node:fs';
import { extname, join } from 'node:path';

const pieceMs = 12;
const types: Record<string, string> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.svg': 'image/svg+xml',
};
const recorded = `A **KV cache** keeps the keys and values of every token that was run, so that each new token costs one step.

1. *Prefill* runs the prompt in chunks.
2. *Decode* draws one token a step.

| part | bound by |
|---|---|
| prefill | the multiplier |
| decode | the memory |

\`\`\`cpp
for (const Sequence& sequence : batch) {
  step.add(sequence, sequence.next_tokens());
}
\`\`\`

So \`decode\` gains most from a batch.`;

interface Model {
  name: string;
  bytes: number;
  loaded: boolean;
  running: number;
  decode: number;
  prefill: number;
}

/** Serves the folder `dist` under the policy in assets.hpp. With `key`, /v1 and /verge ask for it. */
export class RecordedServer {
  private readonly models: Model[] = ['qwen2.5-0.5b', 'verge-lm'].map((name, index) => ({
    name,
    bytes: [394264576, 6291456][index] ?? 0,
    loaded: true,
    running: 0,
    decode: 0,
    prefill: 0,
  }));
  private readonly server: Server = createServer((request, response) => void this.answer(request, response));
  private readonly beganMs = Date.now();

  constructor(
    private readonly dist: string,
    private readonly policy: string,
    private readonly key = '',
  ) {}

  async listen(): Promise<string> {
    await new Promise<void>((resolve) => this.server.listen(0, '127.0.0.1', resolve));
    const address = this.server.address();
    return `http://127.0.0.1:${typeof address === 'object' && address ? address.port : 0}`;
  }

  close(): void {
    this.server.closeAllConnections();
    this.server.close();
  }

  private async answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const path = (request.url ?? '/').split('?')[0] ?? '/';
    if (!/^\/(v1|verge)\//.test(path)) return this.file(path, response);
    if (this.key && request.headers.authorization !== `Bearer ${this.key}`) {
      return json(response, 401, { error: { message: 'A key is needed.', type: 'authentication_error' } });
    }
    let text = '';
    for await (const part of request) text += String(part);
    const body = text ? (JSON.parse(text) as Record<string, unknown>) : {};
    if (path === '/v1/models') return json(response, 200, { data: this.models.map(({ name }) => ({ id: name })) });
    if (path === '/verge/live') return json(response, 200, this.live());
    if (path === '/v1/chat/completions') return this.stream(body, response);
    if (/^\/verge\/models\/(un)?load$/.test(path)) return this.setLoaded(String(body.model), path.endsWith('/load'), response);
    return json(response, 404, { error: { message: 'There is no such route.' } });
  }

  private file(path: string, response: ServerResponse): void {
    try {
      const name = path === '/' ? '/index.html' : path;
      const bytes = readFileSync(join(this.dist, name));
      const type = types[extname(name)] ?? 'application/octet-stream';
      response.writeHead(200, { 'content-type': type, 'content-security-policy': this.policy }).end(bytes);
    } catch {
      response.writeHead(404).end();
    }
  }

  private setLoaded(name: string, loaded: boolean, response: ServerResponse): void {
    const model = this.models.find((one) => one.name === name);
    if (!model) return json(response, 404, { error: { message: `There is no model ${name}.` } });
    model.loaded = loaded;
    json(response, 200, {});
  }

  private live() {
    const uptime_s = (Date.now() - this.beganMs) / 1000;
    const wave = (period: number, high: number) => Math.round((1 + Math.sin((uptime_s + period) / period)) * (high / 2));
    const models = this.models.map((model, index) => ({
      name: model.name,
      loaded: model.loaded,
      bytes: model.bytes,
      context: index === 0 ? 32768 : 1024,
      quantization: index === 0 ? 'Q4_0' : 'Q8_0',
      running: model.running,
      waiting: 0,
      preemptions: 0,
      batch: model.running,
      kv: { pages: 256, free: 256 - wave(20, 150) - 20, cached: 20 },
      tokens: { prefill: model.prefill + Math.round(uptime_s * 40), decode: model.decode },
      ttft: { p50: 0.04 + wave(9, 20) / 1000, p90: 0.1, p99: 0.3, count: 10 },
      tpot: { p50: 0.012, p90: 0.012 + wave(7, 6) / 1000, p99: 0.025, count: 10 },
    }));
    return { uptime_s, rss_bytes: 734003200, memory_limit_bytes: 2 ** 31, queue: 0, models };
  }

  private async stream(body: Record<string, unknown>, response: ServerResponse): Promise<void> {
    const model = this.models.find(({ name }) => name === body.model);
    if (!model) return json(response, 404, { error: { message: `There is no model ${String(body.model)}.` } });
    response.writeHead(200, { 'content-type': 'text/event-stream' });
    const send = (value: unknown) => response.write(`data: ${JSON.stringify(value)}\n\n`);
    const most = typeof body.max_tokens === 'number' ? body.max_tokens : Infinity;
    const all = body.response_format ? ['{"answer"', ':', ' 42}'] : (recorded.match(/\s*\S+|\s+$/g) ?? []);
    const pieces = all.slice(0, most);
    const last = (body.messages as { role?: string; content?: string }[]).at(-1);
    const isCalling = body.tools ? body.tool_choice !== 'none' : JSON.stringify(body.messages).includes('weather');
    if (isCalling && last?.role !== 'tool') return callFunctions(send, response);
    if (last?.content?.includes('two machines')) return answerByPlace(send, response);
    model.running += 1;
    model.prefill += 20;
    let isOpen = true;
    response.on('close', () => (isOpen = false));
    for (const content of pieces) {
      await new Promise((resolve) => setTimeout(resolve, pieceMs * (model.name === 'verge-lm' ? 1 : 3)));
      if (!isOpen) break;
      model.decode += 1;
      send({ choices: [{ index: 0, delta: { content }, finish_reason: null }] });
    }
    model.running -= 1;
    if (!isOpen) return;
    send({ choices: [{ index: 0, delta: {}, finish_reason: pieces.length < all.length ? 'length' : 'stop' }] });
    const usage = { prompt_tokens: 20, completion_tokens: pieces.length, prompt_tokens_details: { cached_tokens: 16 } };
    send({ choices: [], usage });
    response.end('data: [DONE]\n\n');
  }
}

// What a model that thinks aloud and calls functions sends, in pieces.
function callFunctions(send: (value: unknown) => void, response: ServerResponse): void {
  const say = (delta: unknown, finish_reason: string | null = null) => send({ choices: [{ index: 0, delta, finish_reason }] });
  const call = (index: number, name: string | undefined, text: string) =>
    say({ tool_calls: [{ index, function: { ...(name ? { name } : {}), arguments: text } }] });
  for (const reasoning_content of ['Two cities are asked for, ', 'so there are two calls.']) say({ reasoning_content });
  call(0, 'get_weather', '{"city": ');
  call(0, undefined, '"Oslo", "unit": "celsius"}');
  call(1, 'get_weather', '{"city": "<b>Rome</b>"}');
  say({}, 'tool_calls');
  send({ choices: [], usage: { prompt_tokens: 50, completion_tokens: 30 } });
  response.end('data: [DONE]\n\n');
}

// What a split model says: each chunk with where its tokens were made.
function answerByPlace(send: (value: unknown) => void, response: ServerResponse): void {
  const say = (content: string, place: string, reason: string) =>
    send({ choices: [{ index: 0, delta: { content }, finish_reason: null }], verge: { places: [place], reasons: [reason] } });
  say('The ', 'exit1', 'sure');
  say('device ', 'exit1', 'sure');
  say('*and* ', 'exit2', 'sure');
  say('the cloud', 'cloud', 'asked');
  say('.', 'degraded', 'link down');
  send({ choices: [{ index: 0, delta: {}, finish_reason: 'stop' }] });
  send({ choices: [], usage: { prompt_tokens: 9, completion_tokens: 5, verge: { exit1: 2, exit2: 1, cloud: 1, degraded: 1 } } });
  response.end('data: [DONE]\n\n');
}

function json(response: ServerResponse, status: number, value: unknown): void {
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(value));
}
