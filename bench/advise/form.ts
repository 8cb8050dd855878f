/** The questions as a form on a page, with the same function behind it: bundled, so that no server is asked. */
import { fileURLToPath } from 'node:url';
import { buildSync } from 'esbuild';
import type { Field, Form } from '../page/form.ts';
import type { Report, Section } from '../page/report.ts';
import type { Evidence } from './evidence.ts';
import { isAmount, type QuestionName, questionNames, questions } from './questions.ts';

/** A section with the form, for any report. Evidence is that of the committed runs. */
export function adviseSection(evidence: Evidence): Section {
  return {
    title: 'Which lock for your operation?',
    link: 'Advise',
    blocks: [
      'By the committed runs, not by this one: every exclusion is a cell of theirs, and what nobody measured ' +
        'is not known. Nothing leaves this page.',
      { kind: 'form', form: formOf(evidence) },
    ],
  };
}

/** A page with nothing else. */
export function advisePage(evidence: Evidence): Report {
  return {
    title: 'Lockstep advises',
    facts: evidence.sources.map(({ file, startedAt, commit }) => [
      file,
      `${startedAt.slice(0, 10)}, ${commit}`,
    ]),
    sections: [adviseSection(evidence)],
  };
}

function formOf(evidence: Evidence): Form {
  const names = [
    ...questionNames.filter(name => !isAmount(name)),
    ...questionNames.filter(isAmount),
  ];
  return {
    label: 'Your operation',
    fields: names.map(fieldOf),
    data: evidence,
    program: program(),
    instead: 'This form needs scripts; lockstep advise asks the same on the command line.',
  };
}

function fieldOf(name: QuestionName): Field {
  const question = questions[name];
  const { ask: label } = question;
  if (question.kind === 'amount')
    return { kind: 'amount', name, label, unit: question.unit, value: question.fallback };
  const choices = Object.entries(question.choices);
  if (question.kind === 'one')
    return { kind: 'one', name, label, choices, chosen: question.fallback };
  return { kind: 'several', name, label, choices, chosen: question.fallback };
}

/** The modules of this folder as one script; compiled ones in the package, these in a checkout. */
function program(): string {
  const extension = import.meta.url.endsWith('.ts') ? 'ts' : 'js';
  const entry = fileURLToPath(new URL(`./in-browser.${extension}`, import.meta.url));
  const { outputFiles } = buildSync({
    entryPoints: [entry],
    bundle: true,
    format: 'iife',
    minify: true,
    charset: 'utf8',
    target: 'es2023',
    write: false,
  });
  return outputFiles[0]?.text ?? '';
}
