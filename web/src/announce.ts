// The last thing a screen reader is told.
import { createStore } from './store';

export const announcement = createStore('');

export function announce(text: string): void {
  // The same words twice are told twice only when the text differs.
  announcement.set(announcement.get() === text ? `${text}\u00a0` : text);
}
