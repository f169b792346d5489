// The names that the server answers to.
import { listModels, messageOf } from './api';
import { createStore } from './store';

export const models = createStore<string[]>([]);
export const modelsProblem = createStore('');

export async function refreshModels(): Promise<void> {
  try {
    models.set(await listModels());
    modelsProblem.set('');
  } catch (error) {
    modelsProblem.set(messageOf(error));
  }
}
