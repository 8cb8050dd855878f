import { expect, test } from 'vitest';
import { lastWords } from '../../src/explore/run/last-words.ts';

const ofNode = `/app/book.js:3
  throw new Error('taken');
  ^

Error: taken
    at book (/app/book.js:3:9) {
  code: '23505'
}

Node.js v20.20.2
`;

test.each<[string, string, string]>([
  [
    'psql',
    'ERROR:  syntax error at "selec"\nLINE 1: selec 1\n        ^\n',
    'ERROR:  syntax error at "selec"',
  ],
  ['Node', ofNode, 'Error: taken'],
  [
    'Python',
    'Traceback (most recent call last):\n  raise taken\npsycopg.errors.UniqueViolation: taken\nDETAIL:  (1)\n',
    'psycopg.errors.UniqueViolation: taken',
  ],
  ['a program that speaks for itself', 'looking\nno seat left\n\n', 'no seat left'],
  ['nobody', '\n^\n', ''],
])('of %s', (_, output, words) => {
  expect(lastWords(output)).toBe(words);
});
