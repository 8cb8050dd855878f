import { type FailureCode, type FailureRow, failures, isFailureCode } from './failure.ts';

const byReply = new Map<string, FailureCode>();
for (const [code, { redisReplies = [] }] of Object.entries<FailureRow>(failures))
  for (const word of redisReplies) if (isFailureCode(code)) byReply.set(word, code);

// before Redis 7 the error of a command in a script comes wrapped: `ERR Error running script (call to f_…):
// @user_script:4: @user_script: 4: -OOM command not allowed …`
const firstWord = /^(?:ERR Error running script .*?: -?(?=[A-Z]{3,} ))?([A-Z]+)\b/;

/**
 * What an error reply of Redis means by the failure table. Undefined for one that has no row of its
 * own, and for an error that is no reply: then nobody knows what was done.
 */
export function codeOfReply(error: unknown): FailureCode | undefined {
  if (!(error instanceof Error && error.name === 'ReplyError')) return undefined;
  return byReply.get(firstWord.exec(error.message)?.[1] ?? '');
}
