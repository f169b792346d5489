// The functions that a model may call, as the settings hold them: JSON text in OpenAI's form.
import { messageOf } from './api';

export interface Tool {
  type: 'function';
  function: { name: string; description?: string; parameters?: Record<string, unknown> };
}

type Fields = Record<string, unknown>;

const fieldsOf = (value: unknown): Fields | null =>
  typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Fields) : null;

// {"type": "function", "function": {...}}, or the inner object alone.
function readTool(value: unknown, place: string): Tool {
  const outer = fieldsOf(value);
  if (!outer) throw new Error(`${place} is not an object.`);
  const inner = 'function' in outer ? fieldsOf(outer.function) : outer;
  if (!inner) throw new Error(`${place}: "function" is not an object.`);
  const { name, description, parameters } = inner;
  if (typeof name !== 'string' || !/^[\w.-]{1,64}$/.test(name)) {
    throw new Error(`${place}: "name" must be letters, digits, ., _ and -, at most 64.`);
  }
  if (description !== undefined && typeof description !== 'string') throw new Error(`${name}: "description" is not a text.`);
  if (parameters !== undefined && !fieldsOf(parameters)) throw new Error(`${name}: "parameters" is not a JSON schema.`);
  const shell = 'function' in outer ? outer : {};
  return { ...shell, type: 'function', function: inner } as Tool;
}

/** Throws an Error that says what is wrong. No text is no tools. */
export function parseTools(text: string): Tool[] {
  if (!text.trim()) return [];
  const value: unknown = JSON.parse(text);
  const list: unknown[] = Array.isArray(value) ? value : [value];
  const tools = list.map((one, index) => readTool(one, `Tool ${index + 1}`));
  const names = tools.map((tool) => tool.function.name);
  const twice = names.find((name, index) => names.indexOf(name) !== index);
  if (twice !== undefined) throw new Error(`Two tools are named ${twice}.`);
  return tools;
}

/** Why the text cannot be used, or nothing. */
export function toolsProblem(text: string): string {
  try {
    parseTools(text);
    return '';
  } catch (error) {
    return messageOf(error);
  }
}

/** The names in it; none while it cannot be used. */
export function toolNames(text: string): string[] {
  return toolsProblem(text) ? [] : parseTools(text).map((tool) => tool.function.name);
}

const textParameter = (description: string) => ({ type: 'string', description });

export const exampleTools: { label: string; tool: Tool }[] = [
  {
    label: 'Weather',
    tool: {
      type: 'function',
      function: {
        name: 'get_weather',
        description: 'The weather in a city now',
        parameters: {
          type: 'object',
          properties: { city: textParameter('Name of the city'), unit: { type: 'string', enum: ['celsius', 'fahrenheit'] } },
          required: ['city'],
        },
      },
    },
  },
  {
    label: 'Search',
    tool: {
      type: 'function',
      function: {
        name: 'search',
        description: 'Finds pages about a subject',
        parameters: {
          type: 'object',
          properties: { query: textParameter('Words to look for'), count: { type: 'integer', minimum: 1, maximum: 10 } },
          required: ['query'],
        },
      },
    },
  },
];

/** The text with one more tool; one of the same name gives way. */
export function withTool(text: string, tool: Tool): string {
  const others = parseTools(text).filter((other) => other.function.name !== tool.function.name);
  return JSON.stringify([...others, tool], null, 2);
}
