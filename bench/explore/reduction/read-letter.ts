import type { ProgramStep, Request } from './program.ts';

/** Parses a letter into steps: `a | b` are two; a step that starts with a capital goes to Redis. */
export function stepsOf(letter: string, row: () => number): ProgramStep[] {
  if (letter === 'leave') return [];
  const k = String(row());
  return letter.split(' | ').map(text => ({ request: requestOf(text.replaceAll('$k', k)) }));
}

function requestOf(text: string): Request {
  if (text.startsWith('named ')) return { sql: text.slice('named '.length), named: true };
  if (!/^[A-Z]/.test(text)) return { sql: text };
  if (text === 'HEARS') return { hears: true };
  if (text.startsWith('SUBSCRIBE ')) return { subscribe: text.slice('SUBSCRIBE '.length) };
  if (!text.startsWith('MULTI ')) return { redis: wordsOf(text) };
  return { multi: text.slice('MULTI '.length).split(', ').map(wordsOf) };
}

/** Words separated by blanks; a script is in backticks. */
function wordsOf(text: string): string[] {
  return [...text.matchAll(/`([^`]*)`|(\S+)/g)].map(([, script, word]) => script ?? word ?? '');
}
