// The API key lives as long as the browser's tab, and is asked for when the server answers 401.
import { createStore } from './store';

const slot = 'verge.api_key';

/** True while the dialog that asks for a key is open. */
export const isAsking = createStore(false);
/** Grows with each new key, so that what was refused is tried again. */
export const keyVersion = createStore(0);

export function apiKey(): string {
  try {
    return sessionStorage.getItem(slot) ?? '';
  } catch {
    return '';
  }
}

export function setApiKey(key: string): void {
  try {
    if (key) sessionStorage.setItem(slot, key);
    else sessionStorage.removeItem(slot);
  } catch {
    // Storage is switched off in this browser: the server will ask again.
  }
  isAsking.set(false);
  keyVersion.set(keyVersion.get() + 1);
}

export function askForKey(): void {
  isAsking.set(true);
}
