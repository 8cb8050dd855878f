/** How psql, Python, Node and their like begin the line of an error; what it came from is indented. */
const tellsError = /^[\w.:[\]-]*(error|exception|fatal|violation|panic)\b/i;

/** The line of a program's output that says best why it failed: often not the last one. */
export function lastWords(output: string): string {
  const lines = output
    .split('\n')
    .map(line => line.trimEnd())
    .filter(line => /[\p{L}\p{N}]/u.test(line));
  return lines.findLast(line => tellsError.test(line)) ?? lines.at(-1) ?? '';
}
