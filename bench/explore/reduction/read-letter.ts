import type { ProgramStep, Request } from './program.ts';

/** A letter as steps: `a | b` are two, what begins in capitals goes to Redis. */
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

/** Words between blanks; a script stands in backticks. */
function wordsOf(text: string): string[] {
  return [...text.matchAll(/`([^`]*)`|(\S+)/g)].map(([, script, word]) => script ?? word ?? '');
}
