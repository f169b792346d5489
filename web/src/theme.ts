// Light, dark, or as the system has it.
import { createStore } from './store';

export type Theme = 'system' | 'light' | 'dark';
const slot = 'verge.theme';

function stored(): Theme {
  try {
    const value = localStorage.getItem(slot);
    return value === 'light' || value === 'dark' ? value : 'system';
  } catch {
    return 'system';
  }
}

export const theme = createStore<Theme>(stored());

export function applyTheme(value: Theme): void {
  if (value === 'system') delete document.documentElement.dataset.theme;
  else document.documentElement.dataset.theme = value;
  try {
    if (value === 'system') localStorage.removeItem(slot);
    else localStorage.setItem(slot, value);
  } catch {
    // It lasts until the page closes.
  }
  theme.set(value);
}

export const nextTheme: Record<Theme, Theme> = { system: 'light', light: 'dark', dark: 'system' };
