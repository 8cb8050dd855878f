import { buffer } from 'node:stream/consumers';
import { type OpenProviders, openPort } from '../record/providers.ts';
import { bodyOf, bytesOf, type RecordedCall, type Recording } from '../record/recording.ts';

/**
 * Stands for providers during replays: each call gets the answer that the recording has for it, and
 * nothing is sent to anybody. A call that was never recorded is refused, and named.
 */
export async function answerAsRecorded(
  providers: Recording['providers'],
  calls: readonly RecordedCall[],
  refused: (what: string) => void,
): Promise<OpenProviders> {
  const opened = await Promise.all(
    providers.map(async ({ name, path }) => {
      const own = calls.filter(({ provider, answer }) => provider === name && !answer.body.cut);
      const port = await openPort(async (incoming, outgoing) => {
        const { method = 'GET', url = '/' } = incoming;
        const body = bodyOf(await buffer(incoming)).text;
        const found = recordedFor(own, { method, path: url, body });
        if (found === undefined) {
          refused(`${method} ${url} of ${name}, which was not recorded`);
          outgoing.writeHead(502).end('this call was not recorded, and is not made in a replay\n');
          return;
        }
        const { status, headers } = found.answer;
        outgoing.writeHead(status, Object.fromEntries(headers)).end(bytesOf(found.answer.body));
      });
      return { name, path, ...port };
    }),
  );
  return {
    env: Object.fromEntries(
      opened.map(({ name, path, port }) => [name, `http://127.0.0.1:${port}${path}`]),
    ),
    close: async () => {
      await Promise.all(opened.map(one => one.close()));
    },
  };
}

interface Call {
  readonly method: string;
  readonly path: string;
  readonly body: string;
}

/** The same call; else one that differs in generated values only: ids, times, keys. */
function recordedFor(calls: readonly RecordedCall[], wanted: Call): RecordedCall | undefined {
  const same = ({ method, path, body }: RecordedCall, mask: (text: string) => string): boolean =>
    method === wanted.method &&
    mask(path) === mask(wanted.path) &&
    mask(body.text) === mask(wanted.body);
  return calls.find(one => same(one, text => text)) ?? calls.find(one => same(one, masked));
}

function masked(text: string): string {
  return text
    .replace(/[0-9a-f]{8}-[0-9a-f-]{27}/gi, '?')
    .replace(/\d{4}-\d\d-\d\dT[\d:.]+Z?/g, '?')
    .replace(/[\w-]{20,}/g, '?')
    .replace(/("\w*(?:id|key|at)"\s*:\s*)\d+/gi, '$1?');
}
