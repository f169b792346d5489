import assert from 'node:assert/strict';
import { test } from 'node:test';
import { formatBytes, formatDuration, formatMs, formatNumber } from '../../src/format';

test('numbers as people read them', () => {
  const cases: [string, string][] = [
    [formatBytes(0), '0 B'],
    [formatBytes(1023), '1023 B'],
    [formatBytes(1024), '1.0 KiB'],
    [formatBytes(734003200), '700 MiB'],
    [formatBytes(5.5 * 1024 ** 3), '5.5 GiB'],
    [formatBytes(null), '–'],
    [formatNumber(1234567.89, 1), '1,234,567.9'],
    [formatNumber(0), '0'],
    [formatNumber(undefined), '–'],
    [formatMs(0), '0 ms'],
    [formatMs(0.25), '0.3 ms'],
    [formatMs(250.4), '250 ms'],
    [formatMs(1250), '1.3 s'],
    [formatMs(75000), '75 s'],
    [formatDuration(59.9), '59 s'],
    [formatDuration(61), '1 min 1 s'],
    [formatDuration(3 * 3600 + 120), '3 h 2 min'],
    [formatDuration(90000), '1 d 1 h'],
  ];
  for (const [got, expected] of cases) assert.equal(got, expected);
});
