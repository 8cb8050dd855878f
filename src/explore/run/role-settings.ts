/** A session at the server. */
interface Session {
  query(text: string): Promise<readonly Readonly<Record<string, unknown>>[]>;
}

/** One row of `alter role … set` or `alter database … set`: these live outside the database. */
export interface StoredSettings {
  /** Empty for every role. */
  readonly role: string;
  /** In this database only; otherwise in all. */
  readonly here: boolean;
  /** `name=value` */
  readonly config: readonly string[];
}

/** What is stored for this database, and for the role of this session in all databases. */
export async function storedSettings(session: Session): Promise<StoredSettings[]> {
  const rows = await session.query(`
    select coalesce(r.rolname, '') as role, s.setdatabase <> 0 as here, s.setconfig as config
    from pg_db_role_setting s left join pg_roles r on r.oid = s.setrole
    where s.setdatabase = (select oid from pg_database where datname = current_database())
      or (s.setdatabase = 0 and r.rolname = current_user)
    order by 2, 1`);
  return rows.map(({ role, here, config }) => ({
    role: String(role),
    here: here === true,
    config: Array.isArray(config) ? config.map(String) : [],
  }));
}

/** Statements that make it so again: for all databases, and for one that was made just now. */
export function storing(
  settings: readonly StoredSettings[],
  names: { readonly role: string; readonly database: string },
): string[] {
  const role = quoted(names.role);
  const everywhere = settings.filter(one => !one.here);
  const here = settings.filter(one => one.here);
  return [
    `alter role ${role} reset all`,
    ...everywhere.flatMap(({ config }) => config.map(one => `alter role ${role} ${set(one)}`)),
    ...here.flatMap(({ role: who, config }) => {
      const database = quoted(names.database);
      const whose =
        who === ''
          ? `alter database ${database}`
          : `alter role ${quoted(who)} in database ${database}`;
      return config.map(one => `${whose} ${set(one)}`);
    }),
  ];
}

/** Their values are lists of identifiers, stored with the quotes that they need (as in pg_dump). */
const lists = new Set([
  'createrole_self_grant',
  'local_preload_libraries',
  'search_path',
  'session_preload_libraries',
  'temp_tablespaces',
]);

function set(stored: string): string {
  const at = stored.indexOf('=');
  const [name, value] = [stored.slice(0, at), stored.slice(at + 1)];
  const parts = name.split('.').map(quoted).join('.');
  const literal = value.replaceAll('\\', '\\\\').replaceAll("'", "''");
  if (lists.has(name.toLowerCase()) && value !== '') return `set ${parts} to ${value}`;
  return `set ${parts} to E'${literal}'`;
}

export function quoted(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}

/** Those that hold in other databases, too. */
export function everywhere(settings: readonly StoredSettings[]): StoredSettings[] {
  return settings.filter(one => !one.here);
}

export function isSame(
  some: readonly StoredSettings[],
  others: readonly StoredSettings[],
): boolean {
  return JSON.stringify(some) === JSON.stringify(others);
}

/** Puts back what the role had stored before anything of this exploration. */
export async function storeAgain(
  database: Session & { queryAll(texts: readonly string[]): Promise<void> },
  before: readonly StoredSettings[],
  role: string,
): Promise<void> {
  if (role === '') return;
  const now = everywhere(await storedSettings(database));
  if (!isSame(now, before)) await database.queryAll(storing(before, { role, database: '' }));
}
