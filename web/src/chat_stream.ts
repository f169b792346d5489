// One streamed answer of POST /v1/chat/completions.
import { ApiError, errorText, messageOf, request } from './api';
import { EventParser } from './sse';
import type { Message, Settings } from './conversation';
import { countsOf, originsOf } from './places';
import type { Counts, Origin } from './places';
import { parseTools } from './tools';
import type { Tool } from './tools';

export interface Usage {
  promptTokens: number;
  completionTokens: number;
  cachedTokens: number | null;
  /** Of a split model. */
  places?: Counts;
}

export type ChatEvent =
  | { kind: 'text'; text: string; origins?: Origin[] }
  | { kind: 'reasoning'; text: string }
  | { kind: 'call'; index: number; name: string; arguments: string }
  | { kind: 'end'; reason: string }
  | { kind: 'usage'; usage: Usage };

interface Delta {
  content?: string | null;
  // Not OpenAI's own; servers of models that think aloud use either name.
  reasoning_content?: string | null;
  reasoning?: string | null;
  tool_calls?: { index?: number; function?: { name?: string | null; arguments?: string | null } }[] | null;
}

interface Chunk {
  choices?: { delta?: Delta; finish_reason?: string | null }[];
  usage?: {
    prompt_tokens?: number;
    completion_tokens?: number;
    prompt_tokens_details?: { cached_tokens?: number } | null;
    verge?: unknown;
  } | null;
  /** Of `verge serve --cloud`: where the tokens of this chunk were made. */
  verge?: unknown;
}

function parseSchema(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw new ApiError(0, 'The JSON schema of the settings is not JSON.');
  }
}

function toolsOf(settings: Settings): Tool[] {
  try {
    return parseTools(settings.tools);
  } catch (error) {
    throw new ApiError(0, `The tools of the settings cannot be used: ${messageOf(error)}`);
  }
}

const callId = (message: string, index: number) => `call_${message}_${index}`;

// Calls and their results name each other by their place.
function messagesOf({ id, parent, role, text, calls, results }: Message): Record<string, unknown>[] {
  if (role === 'tool') {
    return (results ?? []).map((content, index) => ({ role, tool_call_id: callId(parent ?? '', index), content }));
  }
  if (!calls) return [{ role, content: text }];
  const tool_calls = calls.map(({ name, arguments: given }, index) => {
    return { id: callId(id, index), type: 'function', function: { name, arguments: given } };
  });
  return [{ role, content: text, tool_calls }];
}

function addTools(body: Record<string, unknown>, settings: Settings): void {
  const tools = toolsOf(settings);
  if (tools.length === 0) return;
  body.tools = tools;
  const { toolChoice: choice } = settings;
  if (choice === 'none' || choice === 'required') body.tool_choice = choice;
  if (tools.some((tool) => tool.function.name === choice)) {
    body.tool_choice = { type: 'function', function: { name: choice } };
  }
}

/** The request for an answer to `history`. Settings that are empty are left to the server. */
export function chatRequest(model: string, settings: Settings, history: Message[]): Record<string, unknown> {
  const messages = history.flatMap(messagesOf);
  if (settings.system.trim()) messages.unshift({ role: 'system', content: settings.system });
  const body: Record<string, unknown> = { model, messages, stream: true, stream_options: { include_usage: true } };
  for (const name of ['temperature', 'top_p', 'top_k', 'max_tokens', 'seed'] as const) {
    if (settings[name] !== null) body[name] = settings[name];
  }
  if (settings.schema.trim()) {
    const schema = parseSchema(settings.schema);
    body.response_format = { type: 'json_schema', json_schema: { name: 'answer', strict: true, schema } };
  }
  addTools(body, settings);
  return body;
}

export function eventsOf(chunk: Chunk): ChatEvent[] {
  const events: ChatEvent[] = [];
  const choice = chunk.choices?.[0];
  const delta = choice?.delta;
  const reasoning = delta?.reasoning_content || delta?.reasoning;
  if (reasoning) events.push({ kind: 'reasoning', text: reasoning });
  const origins = originsOf(chunk.verge);
  if (origins.length > 0) events.push({ kind: 'text', text: delta?.content ?? '', origins });
  else if (delta?.content) events.push({ kind: 'text', text: delta.content });
  for (const { index, function: called } of delta?.tool_calls ?? []) {
    events.push({ kind: 'call', index: index ?? 0, name: called?.name ?? '', arguments: called?.arguments ?? '' });
  }
  if (choice?.finish_reason) events.push({ kind: 'end', reason: choice.finish_reason });
  if (chunk.usage) {
    const counts = countsOf(chunk.usage.verge);
    events.push({
      kind: 'usage',
      usage: {
        promptTokens: chunk.usage.prompt_tokens ?? 0,
        completionTokens: chunk.usage.completion_tokens ?? 0,
        cachedTokens: chunk.usage.prompt_tokens_details?.cached_tokens ?? null,
        ...(counts ? { places: counts } : {}),
      },
    });
  }
  return events;
}

function parseData(data: string): ChatEvent[] {
  let value: unknown;
  try {
    value = JSON.parse(data);
  } catch {
    throw new ApiError(0, 'The server sent an event that is not JSON.');
  }
  const error = errorText(value);
  if (error) throw new ApiError(0, error);
  return eventsOf(value as Chunk);
}

/** Throws ApiError when the server refuses, fails on the way, or leaves before the end. */
export async function* streamChat(body: unknown, signal: AbortSignal): AsyncGenerator<ChatEvent> {
  const response = await request('/v1/chat/completions', body, signal);
  const reader = response.body?.getReader();
  if (!reader) throw new ApiError(0, 'The server sent no answer.');
  const parser = new EventParser();
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) throw new ApiError(0, 'The connection ended before the answer did.');
      for (const { data } of parser.push(value)) {
        if (data === '[DONE]') return;
        yield* parseData(data);
      }
    }
  } finally {
    reader.cancel().catch(() => undefined);
  }
}
