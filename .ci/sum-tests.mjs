/** Adds up vitest's JSON reports, named as arguments; one that was never written counts as nothing. */
import { existsSync, readFileSync } from 'node:fs';

const sums = { passed: 0, failed: 0, skipped: 0 };
for (const file of process.argv.slice(2).filter(path => existsSync(path))) {
  const report = JSON.parse(readFileSync(file, 'utf8'));
  sums.passed += report.numPassedTests;
  sums.failed += report.numFailedTests;
  sums.skipped += report.numPendingTests + report.numTodoTests;
}
console.log(`${sums.passed} passed, ${sums.failed} failed, ${sums.skipped} skipped`);
