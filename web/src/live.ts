// GET /verge/live, read each second while a page that shows it is open and visible.
import { ApiError, messageOf, readLive } from './api';
import type { Live } from './api';
import { keyVersion } from './api_key';
import { usePolling } from './components/use_polling';
import { append } from './live_history';
import type { Sample } from './live_history';
import { createStore, useStore } from './store';

export const live = createStore<Live | null>(null);
export const liveHistory = createStore<Sample[]>([]);
export const liveProblem = createStore('');

/** False when the server has no such route: an older or another one. */
let isThere = true;

export async function refreshLive(): Promise<void> {
  if (!isThere) return;
  try {
    const now = await readLive();
    live.set(now);
    liveHistory.set(append(liveHistory.get(), { atMs: Date.now(), live: now }));
    liveProblem.set('');
  } catch (error) {
    isThere = !(error instanceof ApiError && error.status === 404);
    liveProblem.set(isThere ? messageOf(error) : 'This server does not tell its load.');
  }
}

/** Keeps `live` fresh while the calling component is shown and `isWanted`. */
export function useLive(isWanted = true): void {
  usePolling(refreshLive, isWanted, useStore(keyVersion));
}
