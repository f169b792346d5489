// What the playground does: send, answer again, edit, stop. Streams outlive the view of their conversation.
import { messageOf } from './api';
import { chatRequest, streamChat } from './chat_stream';
import type { ChatEvent, Usage } from './chat_stream';
import { add, change, changeLane, counterpart, historyOf, shownPath, titleFrom, withCall } from './conversation';
import type { Call, Conversation, Message, State, Stats } from './conversation';
import { changeConversation, find, newId } from './conversations';
import { announce } from './announce';
import { live, refreshLive } from './live';
import { withPiece } from './places';
import type { Piece } from './places';
import { createStore } from './store';

interface Run {
  conversation: string;
  lane: number;
  message: string;
  abort: AbortController;
}

const flushMs = 40;

/** The answers that are being written. */
export const runs = createStore<Run[]>([]);

export function isRunning(conversation: string): boolean {
  return runs.get().some((run) => run.conversation === conversation);
}

export function stop(conversation: string): void {
  for (const run of runs.get()) if (run.conversation === conversation) run.abort.abort();
}

/** To be called before the page goes: stops, and keeps what is written so far. */
export function stopAll(): void {
  for (const run of runs.get()) {
    run.abort.abort();
    changeConversation(run.conversation, (old) => ({ ...old }));
  }
}

function patchMessage(run: Run, patch: Partial<Message>, isKept: boolean): void {
  const patched = (old: Conversation) => {
    const tree = old.lanes[run.lane]?.tree;
    return tree ? changeLane(old, run.lane, { tree: change(tree, run.message, patch) }) : old;
  };
  changeConversation(run.conversation, patched, isKept);
}

// Text and times of one answer; passes them on a few times a second, not for each token.
class Answer {
  private text = '';
  private reasoning = '';
  private calls: Call[] = [];
  private tokens = 0;
  private pieces: Piece[] = [];
  private readonly beganMs = performance.now();
  private firstMs: number | null = null;
  private lastMs = this.beganMs;
  private timer: ReturnType<typeof setTimeout> | null = null;
  private usage: Usage | null = null;
  reason = '';

  constructor(private readonly run: Run) {}

  take(event: ChatEvent): void {
    if (event.kind === 'end') this.reason = event.reason;
    else if (event.kind === 'usage') this.usage = event.usage;
    else this.write(event);
  }

  private write(event: Exclude<ChatEvent, { kind: 'end' | 'usage' }>): void {
    this.lastMs = performance.now();
    this.firstMs ??= this.lastMs;
    if (event.kind === 'text') {
      this.text += event.text;
      this.pieces = withPiece(this.pieces, event.text, event.origins ?? []);
    }
    if (event.kind === 'reasoning') this.reasoning += event.text;
    if (event.kind === 'call') this.calls = withCall(this.calls, event);
    this.tokens += 1;
    this.timer ??= setTimeout(() => this.flush(), flushMs);
  }

  private flush(): void {
    this.timer = null;
    patchMessage(this.run, { ...this.written(), stats: this.stats() }, false);
  }

  private written(): Partial<Message> {
    const patch: Partial<Message> = { text: this.text };
    if (this.reasoning) patch.reasoning = this.reasoning;
    if (this.calls.length > 0) patch.calls = this.calls;
    if (this.pieces.length > 0) patch.pieces = this.pieces;
    return patch;
  }

  private stats(): Stats {
    const tokens = this.usage?.completionTokens ?? this.tokens;
    const seconds = (this.lastMs - (this.firstMs ?? this.lastMs)) / 1000;
    return {
      promptTokens: this.usage?.promptTokens ?? null,
      cachedTokens: this.usage?.cachedTokens ?? null,
      completionTokens: tokens,
      ttftMs: (this.firstMs ?? this.lastMs) - this.beganMs,
      tokensPerSecond: tokens > 1 && seconds > 0 ? (tokens - 1) / seconds : null,
      memoryBytes: live.get()?.rss_bytes ?? null,
      ...(this.usage?.places ? { places: this.usage.places } : {}),
    };
  }

  end(state: State, error?: string): void {
    if (this.timer) clearTimeout(this.timer);
    const patch: Partial<Message> = { ...this.written(), state };
    if (this.firstMs !== null) patch.stats = this.stats();
    if (error) patch.error = error;
    patchMessage(this.run, patch, true);
    const tokens = `${this.usage?.completionTokens ?? this.tokens} tokens`;
    const said: Record<State, string> = {
      streaming: '',
      done: `Answer complete, ${tokens}.`,
      length: `Answer ended at the token limit, ${tokens}.`,
      stopped: `Answer stopped, ${tokens}.`,
      failed: `The answer failed. ${error ?? ''}`,
    };
    announce(said[state]);
  }
}

async function follow(run: Run, body: () => unknown): Promise<void> {
  runs.set([...runs.get(), run]);
  const answer = new Answer(run);
  try {
    for await (const event of streamChat(body(), run.abort.signal)) answer.take(event);
    await refreshLive();
    answer.end(answer.reason === 'length' ? 'length' : 'done');
  } catch (error) {
    if (run.abort.signal.aborted) answer.end('stopped');
    else answer.end('failed', messageOf(error));
  } finally {
    runs.set(runs.get().filter((other) => other !== run));
  }
}

// Adds an empty answer below `parent` and has the lane's model write it.
function answer(conversation: string, lane: number, parent: string): void {
  const message: Message = { id: newId(), parent, role: 'assistant', text: '', state: 'streaming' };
  changeConversation(conversation, (old) => {
    const { model, tree } = old.lanes[lane] ?? { model: '', tree: { messages: {}, chosen: {} } };
    return { ...changeLane(old, lane, { tree: add(tree, { ...message, model }) }), updated: Date.now() };
  });
  const { settings, lanes } = find(conversation) ?? {};
  const at = lanes?.[lane];
  if (!settings || !at) return;
  const body = () => chatRequest(at.model, settings, historyOf(at.tree, message.id));
  void follow({ conversation, lane, message: message.id, abort: new AbortController() }, body);
}

function say(conversation: string, lane: number, parent: string | null, text: string): void {
  const message: Message = { id: newId(), parent, role: 'user', text };
  changeConversation(conversation, (old) => {
    const tree = old.lanes[lane]?.tree;
    const title = old.isNamed || parent !== null ? old.title : titleFrom(text);
    return tree ? { ...changeLane(old, lane, { tree: add(tree, message) }), title } : old;
  });
  answer(conversation, lane, message.id);
}

/** Says the same in every lane. */
export function send(conversation: string, text: string): void {
  find(conversation)?.lanes.forEach((lane, index) => {
    say(conversation, index, shownPath(lane.tree).at(-1)?.id ?? null, text);
  });
  announce('Answer started.');
}

/** Gives a calling answer what its functions gave back, in place of what it was given before, and has it go on. */
export function sendResults(conversation: string, lane: number, parent: string, results: string[]): void {
  const message: Message = { id: newId(), parent, role: 'tool', text: '', results };
  changeConversation(conversation, (old) => {
    const tree = old.lanes[lane]?.tree;
    return tree ? changeLane(old, lane, { tree: add(tree, message) }) : old;
  });
  answer(conversation, lane, message.id);
  announce('Results sent.');
}

/** Another version of an answer. */
export function regenerate(conversation: string, lane: number, id: string): void {
  const parent = find(conversation)?.lanes[lane]?.tree.messages[id]?.parent;
  if (parent) answer(conversation, lane, parent);
}

/**
 * Another version of a message; the old one keeps what follows it. A changed question is answered, also in the other
 * lane where the same was asked there; a changed answer stands as it was written.
 */
export function edit(conversation: string, lane: number, id: string, text: string): void {
  const lanes = find(conversation)?.lanes ?? [];
  const tree = lanes[lane]?.tree;
  const message = tree?.messages[id];
  if (!tree || !message) return;
  if (message.role === 'user') {
    const twins = lanes.map((other, index) => (index === lane ? message : counterpart(tree, id, other.tree)));
    twins.forEach((twin, index) => twin && say(conversation, index, twin.parent, text));
    return;
  }
  const { model, parent } = message;
  const edited: Message = { id: newId(), parent, role: 'assistant', text, state: 'done', ...(model ? { model } : {}) };
  changeConversation(conversation, (old) => changeLane(old, lane, { tree: add(tree, edited) }));
}
