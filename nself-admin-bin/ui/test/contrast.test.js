// Every text colour has a contrast of 4.5 to 1 on each ground that it stands on, in light and in dark; what is
// drawn has 3 to 1 (WCAG 2.2, AA).

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';

const TOKENS = readFileSync(join(dirname(fileURLToPath(import.meta.url)), '../css/tokens.css'), 'utf8');
const COLORS = Object.fromEntries(
  [...TOKENS.matchAll(/^ {2}--([\w-]+): (?:light-dark\((#\w+), (#\w+)\)|(#\w{6}));/gm)].map(([, name, light, dark, both]) => [
    name, [light ?? both, dark ?? both],
  ]),
);

const GROUNDS = ['ground', 'surface', 'raised'];
/** @type {[text: string, grounds: string[], least: number][]} */
const PAIRS = [
  ['text', [...GROUNDS, 'bad-ground', 'busy-ground'], 4.5],
  ['muted', [...GROUNDS, 'bad-ground', 'busy-ground'], 4.5],
  ['accent', GROUNDS, 4.5],
  ['on-accent', ['accent'], 4.5],
  ['on-mark', ['mark'], 4.5],
  ...['good', 'bad', 'busy', 'idle'].map((tone) => [tone, [`${tone}-ground`, 'surface'], 4.5]),
  ['surface', ['bad'], 4.5],
  ['busy', ['ground'], 4.5],
  ['edge', ['surface'], 3],
  ['focus', GROUNDS, 3],
  ...Array.from({ length: 8 }, (_, line) => [`line-${line}`, ['surface'], 4.5]),
  ...Array.from({ length: 16 }, (_, color) => [`ansi-${color}`, ['surface'], 4.5]),
];

for (const [scheme, name] of ['light', 'dark'].entries()) {
  test(`all colours are readable in ${name}`, () => {
    const failures = PAIRS.flatMap(([text, grounds, least]) =>
      grounds
        .map((ground) => ({ text, ground, ratio: contrast(COLORS[text][scheme], COLORS[ground][scheme]) }))
        .filter(({ ratio }) => ratio < least)
        .map(({ ground, ratio }) => `${text} on ${ground}: ${ratio.toFixed(2)}`),
    );
    assert.deepEqual(failures, []);
  });
}

function contrast(a, b) {
  const [light, dark] = [luminance(a), luminance(b)].sort((one, other) => other - one);
  return (light + 0.05) / (dark + 0.05);
}

function luminance(color) {
  const channels = [1, 3, 5].map((at) => Number.parseInt(color.slice(at, at + 2), 16) / 255);
  const [red, green, blue] = channels.map((channel) => (channel <= 0.04045 ? channel / 12.92 : ((channel + 0.055) / 1.055) ** 2.4));
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
}
