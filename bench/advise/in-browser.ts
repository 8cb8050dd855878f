/** Runs in the page: judges again with every change of the form. Reads and writes nothing else. */
import { inner } from '../page/element.ts';
import { sectionHtml } from '../page/html.ts';
import { advise } from './advise.ts';
import type { Evidence } from './evidence.ts';
import { answersFrom, NoAnswer, questionNames, questions } from './questions.ts';
import { adviceSections } from './sections.ts';
import { firstLines } from './words.ts';

// what is used of the page; this project is compiled without the types of a browser
interface Element {
  textContent: string | null;
  innerHTML: string;
  addEventListener(type: 'input', listener: () => void): void;
}
interface Chosen {
  getAll(name: string): unknown[];
}
declare const document: { getElementById(id: string): Element | null };
declare const FormData: new (form: Element) => Chosen;

const [form, answer, data] = ['form-fields', 'form-answer', 'form-data'].map(id =>
  document.getElementById(id),
);

function answerText(chosen: Chosen, evidence: Evidence): string {
  const said = questionNames.map(name => {
    const values = chosen.getAll(name).map(String);
    return [name, questions[name].kind === 'several' ? values : values[0]] as const;
  });
  const advice = advise(evidence, answersFrom(Object.fromEntries(said)));
  const lines = firstLines(advice).map(line => ({ kind: 'note' as const, text: line }));
  const [first, ...others] = lines;
  return inner([
    sectionHtml({ title: first?.text ?? '', link: null, blocks: others }),
    ...adviceSections(advice, evidence).map(sectionHtml),
  ]);
}

if (form && answer && data) {
  const evidence: Evidence = JSON.parse(data.textContent ?? 'null');
  const again = (): void => {
    try {
      answer.innerHTML = answerText(new FormData(form), evidence);
    } catch (error) {
      if (!(error instanceof NoAnswer)) throw error;
      answer.textContent = error.message;
    }
  };
  form.addEventListener('input', again);
  again();
}
