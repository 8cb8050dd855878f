import { AsyncResource, createHook } from 'node:async_hooks';
import { type ActorRealm, currentRealm } from './actor-realm.ts';

/**
 * What an actor has handed to Node's thread pool or to its resolver, seen by the hooks that Node
 * calls when such a request is made and before its callback runs. `process.getActiveResourcesInfo()`
 * shows files and names only. A hook on destruction would make every promise three times as dear;
 * these two cost nothing that could be measured (Node 20 and 22, a million awaits).
 */
const requests = new Set([
  'FSREQCALLBACK',
  'FSREQPROMISE',
  'FILEHANDLECLOSEREQ',
  'GETADDRINFOREQWRAP',
  'GETNAMEINFOREQWRAP',
  'QUERYWRAP',
]);
/** Jobs of node:crypto: made for the synchronous calls as well, so they count when they are run. */
const jobs =
  /^(PBKDF2|SCRYPT|RANDOMBYTES|RANDOMPRIME|CHECKPRIME|KEYPAIRGEN|KEYGEN|KEYEXPORT|CIPHER|DERIVEBITS|HASH|SIGN|VERIFY|ARGON2|KEM\w*|SECRETKEY\w*)REQUEST$/;
const ofScripts = new Set(['PROMISE', 'Timeout', 'Immediate', 'TickObject', 'Microtask']);

const works = new Map<number, ActorRealm>();
let opened: (() => void) | undefined;

/** Watches from the first call on; it stays, since code that runs on holds requests that it made. */
export function watchPool(): void {
  if (opened !== undefined) return;
  const hook = createHook({ init, before });
  hook.enable();
  opened = () => hook.disable();
}

function init(id: number, type: string, _trigger: number, resource: object): void {
  if (ofScripts.has(type)) return;
  const realm = currentRealm();
  if (realm === undefined) return;
  if (requests.has(type)) begin(id, realm);
  else if (type === 'ZLIB') onCall(resource, 'write', () => begin(id, realm));
  else if (jobs.test(type)) {
    // what is done at once answers at once
    onCall(resource, 'run', answer => answer === undefined && begin(id, realm));
  } else if (type === 'PROCESSWRAP') {
    works.set(id, realm);
    realm.works.addChild(id, resource);
  } else if (isAddon(type, resource)) {
    works.set(id, realm);
    realm.works.beginAddon(id);
  }
}

function before(id: number): void {
  if (works.size === 0) return;
  const realm = works.get(id);
  if (realm === undefined) return;
  works.delete(id);
  realm.works.end(id);
}

function begin(id: number, realm: ActorRealm): void {
  works.set(id, realm);
  realm.works.begin(id);
}

/** An addon (bcrypt, argon2) names its work itself; Node's own kinds are in capitals. */
function isAddon(type: string, resource: object): boolean {
  return !/^[A-Z0-9_]+$/.test(type) && !(resource instanceof AsyncResource);
}

function onCall(resource: object, name: string, called: (answer: unknown) => void): void {
  const real: unknown = Reflect.get(resource, name);
  if (typeof real !== 'function') return;
  Object.defineProperty(resource, name, {
    configurable: true,
    writable: true,
    value: (...values: unknown[]): unknown => {
      const answer: unknown = Reflect.apply(real, resource, values);
      called(answer);
      return answer;
    },
  });
}
