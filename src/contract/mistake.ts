/** The caller's input is invalid. `issues` say where and why, and never echo the input. */
export class InvalidInput extends Error {
  override readonly name = 'InvalidInput';
  readonly issues: readonly { readonly path: string; readonly message: string }[];

  constructor(issues: InvalidInput['issues']) {
    super(issues.map(issue => `${issue.path}: ${issue.message}`).join('; '));
    this.issues = issues;
  }
}

/** The resource that the caller names does not exist. */
export class NotFound extends Error {
  override readonly name = 'NotFound';
}
