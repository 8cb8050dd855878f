import { errorMessage } from '../error-message.ts';

const certificateCodes = new Set([
  'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
  'UNABLE_TO_GET_ISSUER_CERT',
  'UNABLE_TO_GET_ISSUER_CERT_LOCALLY',
  'SELF_SIGNED_CERT_IN_CHAIN',
  'DEPTH_ZERO_SELF_SIGNED_CERT',
  'CERT_SIGNATURE_FAILURE',
]);

/**
 * What to do about a certificate that is not trusted; undefined for every other error. `trust` says where
 * the file of a CA is named.
 */
export function tlsAdvice(error: unknown, trust: string): string | undefined {
  const code = String((error instanceof Error && Reflect.get(error, 'code')) || '');
  if (certificateCodes.has(code))
    return `its certificate is not signed by a CA that is known here (${errorMessage(error)}); name the file of that CA: ${trust}`;
  if (code === 'CERT_HAS_EXPIRED') return 'its certificate has expired; it needs a new one';
  if (code === 'ERR_TLS_CERT_ALTNAME_INVALID')
    return `its certificate is for another host (${errorMessage(error)}); use the host that it names`;
  return undefined;
}

const loginWords = /^(WRONGPASS|NOAUTH|ERR invalid password|ERR AUTH|NOPROTO)/;
const permissionWords = /NOPERM|no permissions? to|can't run this command/i;

/** Whether Redis refuses the user or the password. */
export function isLoginRefused(error: unknown): boolean {
  return error instanceof Error && loginWords.test(error.message);
}

/** Whether Redis knows the user, and denies it a command, a key or a channel; scripts tell it in their words. */
export function isDenied(error: unknown): error is Error {
  return error instanceof Error && permissionWords.test(error.message);
}

/** Whether a node of a Redis Cluster says that another one has the key. */
export function isMoved(error: unknown): error is Error {
  return error instanceof Error && /^(MOVED|ASK|CROSSSLOT) /.test(error.message);
}
