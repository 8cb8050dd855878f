/** What a connection to Postgres begins with. */
export interface Startup {
  /** How many bytes it has, the length itself included. */
  readonly length: number;
  readonly kind: 'encryption' | 'cancel' | 'session';
  readonly database: string;
  readonly application: string;
  /** Everything else that it asks for. */
  readonly settings: ReadonlyMap<string, string>;
}

const sslRequest = 80877103;
const gssRequest = 80877104;
const cancelRequest = 80877102;
const bytesMax = 10_000;

/** The first packet of these bytes; undefined while it is incomplete. Throws for anything else. */
export function startupOf(bytes: Buffer): Startup | undefined {
  if (bytes.length < 8) return undefined;
  const length = bytes.readInt32BE(0);
  if (length < 8 || length > bytesMax) throw new Error('no start-up packet of Postgres');
  if (bytes.length < length) return undefined;
  const code = bytes.readInt32BE(4);
  const other = { length, database: '', application: '', settings: new Map<string, string>() };
  if (code === sslRequest || code === gssRequest) return { ...other, kind: 'encryption' };
  if (code === cancelRequest) return { ...other, kind: 'cancel' };
  if (code >>> 16 !== 3) throw new Error('no start-up packet of Postgres 3.x');
  const words = bytes.toString('utf8', 8, length).split('\0');
  const named = new Map<string, string>();
  for (let at = 0; at + 1 < words.length; at += 2) named.set(words[at] ?? '', words[at + 1] ?? '');
  return {
    length,
    kind: 'session',
    // Postgres takes the user's name where no database is named
    database: named.get('database') ?? named.get('user') ?? '',
    application: named.get('application_name') ?? '',
    settings: new Map(
      [...named].filter(([name]) => name !== '' && name !== 'user' && name !== 'database'),
    ),
  };
}

/** A FATAL error of Postgres, for a client that is not let in. */
export function refusal(message: string): Buffer {
  const fields = ['SFATAL', 'VFATAL', 'C3D000', `M${message}`].map(one => `${one}\0`).join('');
  const body = Buffer.from(`${fields}\0`);
  const head = Buffer.alloc(5);
  head.write('E');
  head.writeInt32BE(body.length + 4, 1);
  return Buffer.concat([head, body]);
}

/** Names that our own databases and sessions have. */
const ownDatabase = /^explore_\d{10}_[0-9a-f]{12}(_kept)?$/;
const ownApplication = /^(explorer|explorer of explore_\S+)$/;

/**
 * Why a session is not let through to the server; undefined where it is. Services get databases that were
 * made for them, and no others: a name that is fixed in their code may be that of the recorded one.
 */
export function refusedStartup(startup: Startup): string | undefined {
  if (startup.kind !== 'session') return undefined;
  const { database, application } = startup;
  if (ownDatabase.test(database) || ownApplication.test(application)) return undefined;
  return (
    `the service asked for the database "${database}", which is not the copy that was made for it: ` +
    'let it take the name from DATABASE_URL or PGDATABASE'
  );
}
