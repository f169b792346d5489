// A conversation: one or two lanes, each a model and a tree of messages. Everything here is pure: a change
// returns a new value and shares what did not change.

import type { Counts, Piece } from './places';

/** `tool`: what the functions gave back that the answer before it calls. */
export type Role = 'user' | 'assistant' | 'tool';
export type State = 'streaming' | 'done' | 'length' | 'stopped' | 'failed';

export interface Stats {
  promptTokens: number | null;
  cachedTokens: number | null;
  completionTokens: number;
  ttftMs: number;
  tokensPerSecond: number | null;
  memoryBytes: number | null;
  /** Tokens by where a split model made them. */
  places?: Counts;
}

/** A function that the model calls, and its arguments: JSON, or what there is of it yet. */
export interface Call {
  name: string;
  arguments: string;
}

export interface Message {
  id: string;
  parent: string | null;
  role: Role;
  text: string;
  reasoning?: string;
  calls?: Call[];
  /** Of a split model's answer: its text, by where it was made. */
  pieces?: Piece[];
  /** Of role `tool`: one for each call of the parent. */
  results?: string[];
  model?: string;
  state?: State;
  error?: string;
  stats?: Stats;
}

/** `chosen` names, for each parent ('' for the root), the child that the shown path goes through. */
export interface Tree {
  messages: Record<string, Message>;
  chosen: Record<string, string>;
}

export interface Lane {
  model: string;
  tree: Tree;
}

export interface Settings {
  system: string;
  temperature: number | null;
  top_p: number | null;
  top_k: number | null;
  max_tokens: number | null;
  seed: number | null;
  schema: string;
  /** JSON text, as tools.ts reads it. */
  tools: string;
  /** 'auto', 'none', 'required', or the name of a tool. */
  toolChoice: string;
}

export interface Conversation {
  id: string;
  title: string;
  isNamed: boolean;
  updated: number;
  settings: Settings;
  lanes: Lane[];
}

export const noSettings: Settings = {
  system: '',
  temperature: null,
  top_p: null,
  top_k: null,
  max_tokens: null,
  seed: null,
  schema: '',
  tools: '',
  toolChoice: 'auto',
};

export const emptyTree: Tree = { messages: {}, chosen: {} };

/** Adds a piece of a call: its name comes once, its arguments grow. */
export function withCall(calls: Call[], piece: Call & { index: number }): Call[] {
  const known = calls[piece.index];
  if (!known) return [...calls, { name: piece.name, arguments: piece.arguments }];
  const grown = { name: known.name || piece.name, arguments: known.arguments + piece.arguments };
  return calls.map((call, at) => (at === piece.index ? grown : call));
}

function childrenOf(tree: Tree, parent: string | null): Message[] {
  return Object.values(tree.messages).filter((message) => message.parent === parent);
}

/** Adds a message and shows it. */
export function add(tree: Tree, message: Message): Tree {
  return {
    messages: { ...tree.messages, [message.id]: message },
    chosen: { ...tree.chosen, [message.parent ?? '']: message.id },
  };
}

export function change(tree: Tree, id: string, patch: Partial<Message>): Tree {
  const message = tree.messages[id];
  if (!message) return tree;
  return { ...tree, messages: { ...tree.messages, [id]: { ...message, ...patch } } };
}

/** The shown messages, from the first to the last. */
export function shownPath(tree: Tree): Message[] {
  const path: Message[] = [];
  let next = tree.chosen[''];
  while (next !== undefined) {
    const message = tree.messages[next];
    if (!message) break;
    path.push(message);
    next = tree.chosen[message.id];
  }
  return path;
}

/** The messages before this one, from the first. */
export function historyOf(tree: Tree, id: string): Message[] {
  const history: Message[] = [];
  let parent = tree.messages[id]?.parent ?? null;
  while (parent !== null) {
    const message = tree.messages[parent];
    if (!message) break;
    history.unshift(message);
    parent = message.parent;
  }
  return history;
}

/** The versions of a message and which of them it is. */
export function versionsOf(tree: Tree, id: string): { ids: string[]; index: number } {
  const message = tree.messages[id];
  if (!message) return { ids: [], index: -1 };
  const ids = childrenOf(tree, message.parent).map((child) => child.id);
  return { ids, index: ids.indexOf(id) };
}

/** Shows another version of a message, with what was last shown below it. */
export function show(tree: Tree, id: string): Tree {
  const message = tree.messages[id];
  if (!message) return tree;
  return { ...tree, chosen: { ...tree.chosen, [message.parent ?? '']: id } };
}

/** The message of the other lane at the same place, if the same was said there. */
export function counterpart(from: Tree, id: string, to: Tree): Message | undefined {
  const place = shownPath(from).findIndex((message) => message.id === id);
  const here = from.messages[id];
  const there = shownPath(to)[place];
  return there && here && there.role === here.role && there.text === here.text ? there : undefined;
}

/** What stands in the list for a conversation that has no name: the beginning of its first message. */
export function titleFrom(text: string): string {
  const line = text.trim().split(/\s+/).join(' ');
  const characters = [...line];
  return characters.length > 48 ? `${characters.slice(0, 47).join('')}…` : line || 'Untitled';
}

export function changeLane(conversation: Conversation, index: number, patch: Partial<Lane>): Conversation {
  const lanes = conversation.lanes.map((lane, at) => (at === index ? { ...lane, ...patch } : lane));
  return { ...conversation, lanes };
}

export function isEmpty(conversation: Conversation): boolean {
  return conversation.lanes.every((lane) => Object.keys(lane.tree.messages).length === 0);
}
