// Conversations as JSON: what local storage and exported files hold. Nothing that is read is trusted.
import { emptyTree, noSettings } from './conversation';
import { countsOf, originsOf } from './places';
import type { Piece } from './places';
import type { Call, Conversation, Lane, Message, Role, Settings, State, Stats, Tree } from './conversation';

export class FormatError extends Error {}

type Fields = Record<string, unknown>;
const roles: Role[] = ['user', 'assistant', 'tool'];
const states: State[] = ['streaming', 'done', 'length', 'stopped', 'failed'];

function fieldsOf(value: unknown, where: string): Fields {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new FormatError(`${where} is not an object`);
  }
  return value as Fields;
}

function textOf(value: unknown, where: string): string {
  if (typeof value !== 'string') throw new FormatError(`${where} is not a text`);
  return value;
}

const numberOrNull = (value: unknown) => (typeof value === 'number' && Number.isFinite(value) ? value : null);

function readStats(value: unknown): Stats | undefined {
  if (typeof value !== 'object' || value === null) return undefined;
  const fields = value as Fields;
  const counts = countsOf(fields.places);
  return {
    promptTokens: numberOrNull(fields.promptTokens),
    cachedTokens: numberOrNull(fields.cachedTokens),
    completionTokens: numberOrNull(fields.completionTokens) ?? 0,
    ttftMs: numberOrNull(fields.ttftMs) ?? 0,
    tokensPerSecond: numberOrNull(fields.tokensPerSecond),
    memoryBytes: numberOrNull(fields.memoryBytes),
    ...(counts ? { places: counts } : {}),
  };
}

function readCalls(value: unknown): Call[] {
  if (!Array.isArray(value)) return [];
  const isCall = (call: unknown): call is Call => {
    const fields = typeof call === 'object' && call !== null ? (call as Fields) : {};
    return typeof fields.name === 'string' && typeof fields.arguments === 'string';
  };
  return value.filter(isCall).map((call) => ({ name: call.name, arguments: call.arguments }));
}

function readPieces(value: unknown): Piece[] {
  if (!Array.isArray(value)) return [];
  return value.flatMap((piece: unknown): Piece[] => {
    const fields = typeof piece === 'object' && piece !== null ? (piece as Fields) : {};
    const [origin] = originsOf({ places: [fields.place], reasons: [fields.reason] });
    const tokens = numberOrNull(fields.tokens);
    return origin && typeof fields.text === 'string' && tokens !== null ? [{ ...origin, text: fields.text, tokens }] : [];
  });
}

const readTexts = (value: unknown): string[] =>
  Array.isArray(value) ? value.map((one) => (typeof one === 'string' ? one : '')) : [];

function readMessage(value: unknown, id: string, where: string): Message {
  const fields = fieldsOf(value, where);
  const role = roles.find((known) => known === fields.role);
  if (!role) throw new FormatError(`${where} has no known role`);
  const message: Message = {
    id,
    parent: fields.parent === null ? null : textOf(fields.parent, `${where}, parent`),
    role,
    text: textOf(fields.text, `${where}, text`),
  };
  if (typeof fields.reasoning === 'string') message.reasoning = fields.reasoning;
  const calls = readCalls(fields.calls);
  if (calls.length > 0) message.calls = calls;
  const pieces = readPieces(fields.pieces);
  if (pieces.map((piece) => piece.text).join('') === message.text && pieces.length > 0) message.pieces = pieces;
  if (role === 'tool') message.results = readTexts(fields.results);
  if (typeof fields.model === 'string') message.model = fields.model;
  if (typeof fields.error === 'string') message.error = fields.error;
  const state = states.find((known) => known === fields.state);
  // An answer that was being written when the page closed will not go on.
  if (state) message.state = state === 'streaming' ? 'stopped' : state;
  const stats = readStats(fields.stats);
  if (stats) message.stats = stats;
  return message;
}

// Every parent stands before its children, which also rules out a circle.
function readTree(value: unknown, where: string): Tree {
  const fields = fieldsOf(value, where);
  const tree: Tree = { messages: {}, chosen: {} };
  for (const [id, entry] of Object.entries(fieldsOf(fields.messages, `${where}, messages`))) {
    if (!/^[a-z0-9-]{1,64}$/i.test(id)) throw new FormatError(`${where} has a message with a malformed name`);
    const message = readMessage(entry, id, `${where}, message ${id}`);
    if (message.parent !== null && !Object.hasOwn(tree.messages, message.parent)) {
      throw new FormatError(`${where}, message ${id} answers a message that is not before it`);
    }
    tree.messages[id] = message;
  }
  for (const [parent, child] of Object.entries(fieldsOf(fields.chosen, `${where}, chosen`))) {
    const isChild = typeof child === 'string' && Object.hasOwn(tree.messages, child);
    if (isChild && (tree.messages[child]?.parent ?? '') === parent) tree.chosen[parent] = child;
  }
  return tree;
}

function readSettings(value: unknown): Settings {
  const fields = typeof value === 'object' && value !== null ? (value as Fields) : {};
  return {
    ...noSettings,
    system: typeof fields.system === 'string' ? fields.system : '',
    temperature: numberOrNull(fields.temperature),
    top_p: numberOrNull(fields.top_p),
    top_k: numberOrNull(fields.top_k),
    max_tokens: numberOrNull(fields.max_tokens),
    seed: numberOrNull(fields.seed),
    schema: typeof fields.schema === 'string' ? fields.schema : '',
    tools: typeof fields.tools === 'string' ? fields.tools : '',
    toolChoice: typeof fields.toolChoice === 'string' ? fields.toolChoice : 'auto',
  };
}

export function readConversation(value: unknown, where = 'conversation'): Conversation {
  const fields = fieldsOf(value, where);
  if (!Array.isArray(fields.lanes) || fields.lanes.length < 1 || fields.lanes.length > 2) {
    throw new FormatError(`${where} does not have one or two lanes`);
  }
  const lanes: Lane[] = fields.lanes.map((lane: unknown, index) => {
    const entry = fieldsOf(lane, `${where}, lane ${index + 1}`);
    const tree = entry.tree === undefined ? emptyTree : readTree(entry.tree, `${where}, lane ${index + 1}`);
    return { model: typeof entry.model === 'string' ? entry.model : '', tree };
  });
  return {
    id: textOf(fields.id, `${where}, id`),
    title: textOf(fields.title, `${where}, title`),
    isNamed: fields.isNamed === true,
    updated: numberOrNull(fields.updated) ?? 0,
    settings: readSettings(fields.settings),
    lanes,
  };
}

/** A file of conversations. Throws FormatError, which says where the file is wrong. */
export function readFile(text: string): Conversation[] {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw new FormatError('the file is not JSON');
  }
  const fields = fieldsOf(value, 'the file');
  if (!Array.isArray(fields.conversations)) throw new FormatError('the file has no list of conversations');
  return fields.conversations.map((entry: unknown, index) => readConversation(entry, `conversation ${index + 1}`));
}

export function writeFile(conversations: Conversation[]): string {
  return JSON.stringify({ version: 1, conversations }, null, 2);
}
