/**
 * What an exploration has open that would outlive this process, as its keeper is told. Both ends are
 * always of one version: they are started from the same folder.
 */
export type Owned =
  /** A process group of an actor. */
  | { readonly kind: 'group'; readonly id: number }
  /** Databases of ours at the server of this URL. */
  | { readonly kind: 'databases'; readonly serverUrl: string; readonly names: readonly string[] }
  /** A Redis server that was empty and is used by this exploration alone. */
  | { readonly kind: 'redis'; readonly url: string };

export type KeeperNotice =
  | { readonly kind: 'mark'; readonly mark: string }
  | { readonly kind: 'own'; readonly key: number; readonly what: Owned }
  | { readonly kind: 'disown'; readonly key: number };

/** In the environment of each program of an actor, and of all that it starts: whose it is. */
export const markVariable = 'LOCKSTEP_EXPLORER';

/** Tells the owner's notices from other messages on the channel (a loader may use it too). */
export function isKeeperNotice(message: unknown): message is KeeperNotice {
  const kinds = ['mark', 'own', 'disown'];
  if (typeof message !== 'object' || message === null || !('kind' in message)) return false;
  return kinds.some(kind => kind === message.kind);
}
