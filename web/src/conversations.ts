// All conversations of this browser, kept in local storage, one entry each.
import { emptyTree, isEmpty, noSettings, shownPath, titleFrom } from './conversation';
import type { Conversation, Settings, Tree } from './conversation';
import { readConversation } from './conversation_file';
import { createStore } from './store';

const prefix = 'verge.conversation.';

export const conversations = createStore<Conversation[]>([]);
export const openId = createStore('');
/** What went wrong with storage, for the page to show. */
export const storageProblem = createStore('');

export const newId = () =>
  Array.from(crypto.getRandomValues(new Uint8Array(9)), (byte) => byte.toString(36).padStart(2, '0')).join('');

function save(conversation: Conversation): void {
  try {
    localStorage.setItem(prefix + conversation.id, JSON.stringify(conversation));
    storageProblem.set('');
  } catch {
    storageProblem.set('This browser has no room left for conversations: export some and delete them.');
  }
}

export function find(id: string): Conversation | undefined {
  return conversations.get().find((conversation) => conversation.id === id);
}

function replace(conversation: Conversation): void {
  conversations.set(conversations.get().map((old) => (old.id === conversation.id ? conversation : old)));
}

/** Applies a change; `isKept` false leaves it in memory alone, for the many small changes of a stream. */
export function changeConversation(id: string, make: (old: Conversation) => Conversation, isKept = true): void {
  const old = find(id);
  if (!old) return;
  const changed = make(old);
  replace(changed);
  if (isKept && !isEmpty(changed)) save(changed);
}

export function create(settings: Settings = noSettings, models: string[] = [''], trees: Tree[] = []): Conversation {
  const lanes = models.map((model, index) => ({ model, tree: trees[index] ?? emptyTree }));
  const first = trees[0] && shownPath(trees[0])[0];
  const title = titleFrom(first?.text ?? '');
  const made = { id: newId(), title, isNamed: false, updated: Date.now(), settings, lanes };
  conversations.set([made, ...conversations.get().filter((old) => !isEmpty(old))]);
  if (!isEmpty(made)) save(made);
  return made;
}

export function rename(id: string, title: string): void {
  const name = title.trim();
  if (name) changeConversation(id, (old) => ({ ...old, title: name, isNamed: true }));
}

export function remove(id: string): void {
  conversations.set(conversations.get().filter((conversation) => conversation.id !== id));
  try {
    localStorage.removeItem(prefix + id);
  } catch {
    // Without storage there is nothing to remove.
  }
}

/** Adds what a file brought and opens the first. A conversation that is here already comes in as a copy. */
export function bring(brought: Conversation[]): void {
  const fresh = brought.map((conversation) => (find(conversation.id) ? { ...conversation, id: newId() } : conversation));
  fresh.forEach(save);
  conversations.set([...fresh, ...conversations.get()]);
  const [first] = fresh;
  if (first) openId.set(first.id);
}

/** Takes over what another tab has written or deleted. */
export function followOtherTabs(isBusy: (id: string) => boolean): void {
  addEventListener('storage', ({ key, newValue }) => {
    const id = key?.startsWith(prefix) ? key.slice(prefix.length) : '';
    if (!id || isBusy(id)) return;
    const others = conversations.get().filter((conversation) => conversation.id !== id);
    try {
      const changed = newValue === null ? [] : [readConversation(JSON.parse(newValue))];
      conversations.set([...changed, ...others]);
    } catch {
      // Written by a newer version of the page: the own copy stays.
    }
  });
}

/** Reads local storage; an entry that cannot be read stays where it is. */
export function restore(): void {
  const found: Conversation[] = [];
  try {
    for (const key of Object.keys(localStorage).filter((name) => name.startsWith(prefix))) {
      try {
        found.push(readConversation(JSON.parse(localStorage.getItem(key) ?? '')));
      } catch {
        storageProblem.set('A stored conversation cannot be read and was left out.');
      }
    }
  } catch {
    storageProblem.set('This browser keeps nothing: conversations last until the page closes.');
  }
  conversations.set(found.sort((a, b) => b.updated - a.updated));
}
