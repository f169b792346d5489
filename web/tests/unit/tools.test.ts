import assert from 'node:assert/strict';
import { test } from 'node:test';
import { chatRequest } from '../../src/chat_stream';
import { noSettings } from '../../src/conversation';
import type { Message } from '../../src/conversation';
import { exampleTools, parseTools, toolNames, toolsProblem, withTool } from '../../src/tools';

test('tools are a list, one object, or the inner objects alone', () => {
  const whole = { type: 'function', function: { name: 'f' } };
  for (const text of [JSON.stringify([whole]), JSON.stringify(whole), '{"name": "f"}']) {
    assert.deepEqual(parseTools(text).map((tool) => tool.function), [{ name: 'f' }], text);
  }
  assert.deepEqual(parseTools(' '), []);
  for (const { tool } of exampleTools) assert.deepEqual(parseTools(JSON.stringify(tool)), [tool]);
});

test('what is wrong with tools is said in words', () => {
  const problems: [string, RegExp][] = [
    ['[', /JSON/],
    ['3', /Tool 1 is not an object/],
    ['[{"function": 3}]', /"function" is not an object/],
    ['[{"name": "f"}, {}]', /Tool 2: "name"/],
    ['{"name": "a b"}', /"name" must be/],
    ['{"name": "f", "description": 3}', /f: "description" is not a text/],
    ['{"name": "f", "parameters": []}', /f: "parameters" is not a JSON schema/],
    ['[{"name": "f"}, {"name": "f"}]', /Two tools are named f/],
  ];
  for (const [text, reason] of problems) {
    assert.match(toolsProblem(text), reason, text);
    assert.deepEqual(toolNames(text), []);
  }
});

test('a tool takes the place of one with its name', () => {
  const [weather] = exampleTools;
  assert.ok(weather);
  const once = withTool('{"name": "f"}', weather.tool);
  assert.deepEqual(toolNames(once), ['f', 'get_weather']);
  assert.equal(withTool(once, weather.tool), once);
});

test('a request holds tools, the choice, calls and their results', () => {
  const history: Message[] = [
    { id: 'q', parent: null, role: 'user', text: 'hello' },
    { id: 'a', parent: 'q', role: 'assistant', text: '', calls: [{ name: 'f', arguments: '{}' }, { name: 'g', arguments: '{"a":1}' }] },
    { id: 't', parent: 'a', role: 'tool', text: '', results: ['1', '2'] },
  ];
  const settings = { ...noSettings, tools: '{"name": "f"}' };
  const body = chatRequest('m', settings, history);
  assert.deepEqual(body.tools, [{ type: 'function', function: { name: 'f' } }]);
  assert.equal(body.tool_choice, undefined);
  assert.deepEqual(body.messages, [
    { role: 'user', content: 'hello' },
    {
      role: 'assistant',
      content: '',
      tool_calls: [
        { id: 'call_a_0', type: 'function', function: { name: 'f', arguments: '{}' } },
        { id: 'call_a_1', type: 'function', function: { name: 'g', arguments: '{"a":1}' } },
      ],
    },
    { role: 'tool', tool_call_id: 'call_a_0', content: '1' },
    { role: 'tool', tool_call_id: 'call_a_1', content: '2' },
  ]);
  const choiceOf = (toolChoice: string) => chatRequest('m', { ...settings, toolChoice }, history).tool_choice;
  assert.equal(choiceOf('required'), 'required');
  assert.equal(choiceOf('none'), 'none');
  assert.deepEqual(choiceOf('f'), { type: 'function', function: { name: 'f' } });
  assert.equal(choiceOf('gone'), undefined);
  assert.equal(chatRequest('m', { ...noSettings, toolChoice: 'required' }, history).tool_choice, undefined);
  assert.throws(() => chatRequest('m', { ...noSettings, tools: '{' }, history), /tools of the settings/);
});
