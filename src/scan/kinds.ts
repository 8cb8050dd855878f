import type { RecordedRequest } from './record/recording.ts';

/** A request without what differs from call to call: `POST /offers/:id/accept`. */
export function kindOf({ method, path }: Pick<RecordedRequest, 'method' | 'path'>): string {
  const [plain = '/'] = path.split('?');
  const parts = plain.split('/').map(part => (isValue(part) ? ':id' : part));
  return `${method} ${parts.join('/')}`;
}

/** The values in a path: requests that share one are about the same thing. */
export function resourcesOf({ path }: Pick<RecordedRequest, 'path'>): readonly string[] {
  const [plain = ''] = path.split('?');
  const parts = plain.split('/');
  return parts.flatMap((part, at) => (isValue(part) ? [`${parts[at - 1] ?? ''}/${part}`] : []));
}

/** A number, a uuid, a hash, a mail address, or a long word with digits: no name of a route. */
function isValue(part: string): boolean {
  const text = decoded(part);
  if (/^\d+$/.test(text)) return true;
  if (/^[0-9a-f]{8}-[0-9a-f-]{27}$/i.test(text)) return true;
  if (/^[0-9a-f]{12,}$/i.test(text)) return true;
  if (text.includes('@')) return true;
  const digits = text.replace(/\D/g, '').length;
  return (text.length >= 16 && digits >= 3) || (digits >= 2 && !/^v\d+/.test(text));
}

function decoded(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}
