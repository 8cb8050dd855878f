import { readFile, writeFile } from 'node:fs/promises';
import { z } from 'zod';

/** A body as it went over the wire, up to `bodyBytesMax`. */
const bodySchema = z.object({
  encoding: z.enum(['utf8', 'base64']),
  text: z.string(),
  /** It was longer than what is kept: its request cannot be sent again. */
  cut: z.boolean(),
});

const headersSchema = z.array(z.tuple([z.string(), z.string()]));

const answerSchema = z.object({
  status: z.number().int(),
  headers: headersSchema,
  body: bodySchema,
});

const requestSchema = z.object({
  /** From 1, in the order of arrival. */
  id: z.number().int().positive(),
  /** Milliseconds since the recording began. */
  atMs: z.number(),
  tookMs: z.number(),
  method: z.string(),
  /** With its query. */
  path: z.string(),
  headers: headersSchema,
  body: bodySchema,
  /** Null where the caller or the service hung up before there was one. */
  answer: answerSchema.nullable(),
});

const statementSchema = z.object({
  store: z.enum(['postgres', 'redis']),
  /** One number for each connection, from 1. */
  connection: z.number().int(),
  /** Statements of one transaction have one number; null outside of a transaction. */
  transaction: z.number().int().nullable(),
  /** SQL, or a Redis command and its arguments in JSON. */
  text: z.string(),
  /** What was bound to `$1`, `$2` …; `\x…` where it was sent in binary. */
  values: z.array(z.string().nullable()),
  /** `SELECT 1`, `INSERT 0 1`; a Redis reply in JSON, cut; `error 40001`. */
  result: z.string(),
  /** The requests that were under way: only where it is one is it certain whose statement it is. */
  among: z.array(z.number().int()),
});

/** A call of the service to another one over HTTP. */
const callSchema = z.object({
  /** The variable that holds the other one's URL. */
  provider: z.string(),
  method: z.string(),
  /** Behind the URL of the provider. */
  path: z.string(),
  body: bodySchema,
  answer: answerSchema,
  among: z.array(z.number().int()),
});

const programSchema = z.object({
  command: z.tuple([z.string()]).rest(z.string()),
  cwd: z.string(),
});

/** What the recording began with; it is made again from this, never from the recorded servers. */
const startSchema = z.discriminatedUnion('kind', [
  z.object({
    kind: z.literal('made'),
    /** SQL of `--setup`. */
    setup: z.string(),
    /** The command of `--prepare`, if any. */
    prepare: z.string().nullable(),
  }),
  z.object({
    kind: z.literal('copied'),
    /** Of the database that `--database` named; the URL itself is not kept. */
    database: z.string(),
    /** Rows of each table when it was copied: tells whether it has changed since. */
    rows: z.record(z.string(), z.number()),
  }),
]);

export const recordingSchema = z.object({
  format: z.literal('lockstep recording'),
  version: z.literal(1),
  startedAt: z.iso.datetime(),
  service: programSchema,
  start: startSchema,
  requests: z.array(requestSchema),
  statements: z.array(statementSchema),
  /** The variables of `--provider`, and what stands behind the host in their URLs. */
  providers: z.array(z.object({ name: z.string(), path: z.string() })),
  calls: z.array(callSchema),
  /** What was not recorded, in sentences. */
  limits: z.array(z.string()),
});

export type Recording = z.infer<typeof recordingSchema>;
export type RecordedRequest = z.infer<typeof requestSchema>;
export type RecordedAnswer = z.infer<typeof answerSchema>;
export type RecordedBody = z.infer<typeof bodySchema>;
export type RecordedStatement = z.infer<typeof statementSchema>;
export type RecordedCall = z.infer<typeof callSchema>;
export type Program = z.infer<typeof programSchema>;
export type Start = z.infer<typeof startSchema>;

/** What is kept of one body. */
export const bodyBytesMax = 1024 * 1024;

/** The file is not a recording of this version; the message says what to do. */
export class UnreadableRecording extends Error {
  override readonly name = 'UnreadableRecording';
}

/** Reads and checks a recording. Rejects with UnreadableRecording. */
export async function readRecording(file: string): Promise<Recording> {
  const text = await readFile(file, 'utf8').catch((cause: unknown) => {
    throw new UnreadableRecording(`${file} cannot be read; lockstep record writes one`, { cause });
  });
  const parsed = recordingSchema.safeParse(jsonOf(text));
  if (parsed.success) return parsed.data;
  const [first] = parsed.error.issues;
  const where = first === undefined ? '' : `: ${first.path.join('.')}: ${first.message}`;
  throw new UnreadableRecording(`${file} is no recording of version 1${where}; record it again`);
}

/** Only its owner may read the file: what is sent again needs its cookies and tokens. */
export async function writeRecording(file: string, recording: Recording): Promise<void> {
  const text = `${JSON.stringify(recordingSchema.parse(recording), null, 1)}\n`;
  await writeFile(file, text, { mode: 0o600 });
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** Text where it is text. */
export function bodyOf(bytes: Buffer, cut = false): RecordedBody {
  const text = bytes.toString('utf8');
  if (Buffer.from(text, 'utf8').equals(bytes)) return { encoding: 'utf8', text, cut };
  return { encoding: 'base64', text: bytes.toString('base64'), cut };
}

export function bytesOf(body: RecordedBody): Buffer {
  return Buffer.from(body.text, body.encoding);
}
