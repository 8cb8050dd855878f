/**
 * Adds up vitest's JSON reports, named as arguments, and names the files that took longest; a report
 * that was never written counts as nothing.
 */
import { existsSync, readFileSync } from 'node:fs';
import { relative } from 'node:path';

const longestMax = 12;
const sums = { passed: 0, failed: 0, skipped: 0 };
const files = [];
for (const path of process.argv.slice(2).filter(path => existsSync(path))) {
  const report = JSON.parse(readFileSync(path, 'utf8'));
  sums.passed += report.numPassedTests;
  sums.failed += report.numFailedTests;
  sums.skipped += report.numPendingTests + report.numTodoTests;
  for (const { name, startTime, endTime } of report.testResults)
    files.push({ name: relative(process.cwd(), name), seconds: (endTime - startTime) / 1_000 });
}
for (const { name, seconds } of files.sort((a, b) => b.seconds - a.seconds).slice(0, longestMax))
  console.log(`${seconds.toFixed(0).padStart(5)} s  ${name}`);
console.log(`${sums.passed} passed, ${sums.failed} failed, ${sums.skipped} skipped`);
