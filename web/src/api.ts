// The server's routes. docs/live.md describes those below /verge.
import { apiKey, askForKey } from './api_key';
import type { NodeState } from './node_history';

export interface Percentiles {
  p50: number | null;
  p90: number | null;
  p99: number | null;
  count?: number;
}

/** Of a model that is not loaded only the first six are there. */
export interface LiveModel {
  name: string;
  loaded: boolean;
  state?: string;
  bytes?: number;
  context?: number;
  quantization?: string | null;
  running?: number;
  waiting?: number;
  preemptions?: number;
  batch?: number;
  kv?: { pages: number; free: number; cached: number; page_tokens?: number };
  tokens?: { prefill: number; decode: number; cached?: number };
  ttft?: Percentiles | null;
  tpot?: Percentiles | null;
  stream?: { step_bytes: number; read_bytes: number; read_s: number; wait_s: number };
}

export interface Live {
  uptime_s: number;
  rss_bytes: number;
  memory_limit_bytes?: number | null;
  queue: number;
  models: LiveModel[];
}

export class ApiError extends Error {
  constructor(
    readonly status: number,
    message: string,
    readonly retryAfterS: number | null = null,
  ) {
    super(message);
  }
}

/** The text of an error object as OpenAI's and Ollama's interfaces shape it. */
export function errorText(body: unknown): string | null {
  const error = (body as { error?: unknown } | null)?.error;
  if (typeof error === 'string') return error;
  const message = (error as { message?: unknown } | undefined)?.message;
  return typeof message === 'string' ? message : null;
}

async function refusal(response: Response): Promise<ApiError> {
  const text = errorText(await response.json().catch(() => null));
  if (response.status === 401) {
    askForKey();
    return new ApiError(401, text ?? 'The server asks for an API key.');
  }
  const wait = Number.parseInt(response.headers.get('retry-after') ?? '', 10);
  const retryAfterS = Number.isFinite(wait) ? wait : null;
  const hint = response.status === 429 && retryAfterS !== null ? ` Try again in ${retryAfterS} s.` : '';
  return new ApiError(response.status, (text ?? `The server answered ${response.status}.`) + hint, retryAfterS);
}

/** A response with status 2xx; anything else is an ApiError. */
export async function request(path: string, body?: unknown, signal?: AbortSignal): Promise<Response> {
  const headers: Record<string, string> = {};
  const key = apiKey();
  if (key) headers.authorization = `Bearer ${key}`;
  if (body !== undefined) headers['content-type'] = 'application/json';
  const init: RequestInit = { headers, cache: 'no-store', credentials: 'omit', redirect: 'error' };
  if (body !== undefined) Object.assign(init, { method: 'POST', body: JSON.stringify(body) });
  if (signal) init.signal = signal;
  let response: Response;
  try {
    response = await fetch(path, init);
  } catch (error) {
    if (signal?.aborted) throw error;
    throw new ApiError(0, 'The server cannot be reached.');
  }
  if (!response.ok) throw await refusal(response);
  return response;
}

export async function listModels(): Promise<string[]> {
  const answer = (await (await request('/v1/models')).json()) as { data?: { id: string }[] };
  return (answer.data ?? []).map((model) => model.id);
}

export async function readLive(): Promise<Live> {
  return (await (await request('/verge/live')).json()) as Live;
}

export async function readNode(): Promise<NodeState> {
  return (await (await request('/api/node')).json()) as NodeState;
}

export async function setLoaded(model: string, isLoaded: boolean): Promise<void> {
  await request(`/verge/models/${isLoaded ? 'load' : 'unload'}`, { model });
}

export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
