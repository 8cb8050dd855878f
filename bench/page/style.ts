/** The style sheet, embedded in the page: no external requests. */
export const style = `
:root {
  color-scheme: light dark;
  --paper: #fbfaf8; --card: #ffffff; --ink: #1d1f23; --soft: #62666f; --line: #e2e0db;
  --good: #17713f; --good-wash: #e6f3ea; --bad: #b3261e; --bad-wash: #fbe9e7;
  --open: #8a5a00; --open-wash: #fbf1dc; --bar: #d9e2ec; --code: #f1efeb;
}
@media (prefers-color-scheme: dark) {
  :root {
    --paper: #131417; --card: #1a1c20; --ink: #e7e6e3; --soft: #9b9fa8; --line: #2e3138;
    --good: #6fcf97; --good-wash: #14291d; --bad: #ff8a80; --bad-wash: #331a18;
    --open: #f0c060; --open-wash: #2e2512; --bar: #2b3a4a; --code: #23262b;
  }
}
* { box-sizing: border-box; }
body {
  margin: 0; background: var(--paper); color: var(--ink);
  font: 16px/1.55 system-ui, -apple-system, "Segoe UI", Roboto, sans-serif;
}
main, header, footer { max-width: 84rem; margin: 0 auto; padding: 0 1.25rem; }
header { padding-top: 2.5rem; }
h1 { font-size: 1.05rem; font-weight: 600; color: var(--soft); margin: 0 0 .4rem; }
.answer { font-size: clamp(1.4rem, 3.2vw, 2.1rem); line-height: 1.2; font-weight: 650;
  letter-spacing: -.015em; margin: 0 0 1rem; max-width: 46rem; text-wrap: balance; }
.lines { padding: 0; margin: 0 0 1.1rem; list-style: none; max-width: 56rem; }
.lines li { padding: .2rem 0; overflow-wrap: anywhere; }
.facts { display: flex; flex-wrap: wrap; gap: .25rem 1.5rem; padding: 0; margin: 0;
  list-style: none; color: var(--soft); font-size: .9rem; }
.facts b { color: var(--ink); font-weight: 600; }
.banner { background: var(--bad-wash); color: var(--bad); border-left: 4px solid var(--bad);
  padding: .7rem 1rem; margin: 1.25rem 0 0; font-weight: 600; }
nav { margin-top: 1.25rem; font-size: .9rem; display: flex; flex-wrap: wrap; gap: .25rem 1.1rem; }
a { color: inherit; text-underline-offset: .2em; text-decoration-color: var(--soft); }
h2 { font-size: 1.3rem; letter-spacing: -.01em; margin: 2.75rem 0 .3rem; }
h2 + p { margin: 0 0 1rem; color: var(--soft); max-width: 50rem; }
h3 { font-size: 1rem; margin: 1.5rem 0 .5rem; }
p.note { color: var(--soft); font-size: .88rem; margin: .6rem 0 0; }
.scroll { overflow-x: auto; border: 1px solid var(--line); border-radius: .6rem;
  background: var(--card); }
table { border-collapse: collapse; width: 100%; font-size: .9rem;
  font-variant-numeric: tabular-nums; }
th, td { padding: .5rem .6rem; text-align: left; vertical-align: top;
  border-top: 1px solid var(--line); }
thead th { border-top: 0; font-size: .78rem; font-weight: 600; color: var(--soft);
  vertical-align: bottom; }
thead button { font: inherit; color: inherit; background: none; border: 0; padding: 0; margin: 0;
  text-align: inherit; cursor: pointer; }
thead [aria-sort="ascending"] button::after { content: " ↑"; }
thead [aria-sort="descending"] button::after { content: " ↓"; }
.filter { display: block; font: inherit; font-size: .85rem; color: var(--ink); background: var(--card);
  border: 1px solid var(--soft); border-radius: .35rem; padding: .25rem .5rem; margin: .6rem 0;
  width: 16rem; max-width: 100%; }
[hidden] { display: none !important; }
tbody th { font-weight: 600; min-width: 9rem; }
table.wide tbody th { min-width: 15rem; } table.wide td:nth-child(2) { min-width: 11rem; }
td.n, th.n { text-align: right; }
small { color: var(--soft); font-size: .82rem; font-weight: 400; }
td small, th small { display: block; white-space: normal; max-width: 24rem; line-height: 1.4; }
.verdict { display: inline-block; padding: .05rem .55rem; border-radius: .8rem; font-weight: 650; }
.good { color: var(--good); background: var(--good-wash); }
.bad { color: var(--bad); background: var(--bad-wash); }
.open { color: var(--open); background: var(--open-wash); }
.verdict.none { color: var(--soft); background: var(--code); }
tr.broken > * { background: var(--bad-wash); }
.bar { white-space: nowrap; min-width: 8rem; background: linear-gradient(var(--bar), var(--bar))
  no-repeat 4.7rem center / calc((100% - 5.5rem) * var(--share)) .8em; }
tr.has-more > * { padding-bottom: .15rem; }
tr.more td { border-top: 0; padding-top: 0; padding-bottom: .4rem; }
details > summary { cursor: pointer; color: var(--soft); font-size: .8rem; width: max-content;
  max-width: 100%; }
details[open] > summary { margin-bottom: .6rem; }
.proof { display: grid; grid-template-columns: minmax(0, 1fr); gap: .75rem; padding-bottom: .6rem; max-width: 62rem;
  overflow-wrap: anywhere; }
.proof p { margin: 0; }
.proof table { border: 1px solid var(--line); }
pre { overflow-x: auto; }
code { font: .86em/1.5 ui-monospace, SFMono-Regular, Menlo, Consolas, monospace;
  background: var(--code); padding: .1em .35em; border-radius: .3em; overflow-wrap: anywhere; }
dl { display: grid; grid-template-columns: max-content 1fr; gap: .35rem 1.25rem; margin: 0;
  font-size: .9rem; }
dt { color: var(--soft); }
dd { margin: 0; overflow-wrap: anywhere; font-variant-numeric: tabular-nums; }
ul.items { padding-left: 1.1rem; max-width: 54rem; }
ul.items li { margin-bottom: .5rem; }
.ask { display: grid; grid-template-columns: repeat(auto-fill, minmax(min(100%, 22rem), 1fr));
  gap: .9rem 1.5rem; margin: 1rem 0 1.5rem; }
.ask > div, .ask fieldset { background: var(--card); border: 1px solid var(--line);
  border-radius: .6rem; padding: .6rem .8rem; margin: 0; min-width: 0; }
.ask label, .ask legend { font-size: .88rem; font-weight: 600; }
.ask > div > label { display: block; margin-bottom: .35rem; }
.ask fieldset label { display: block; font-weight: 400; margin-top: .3rem; }
.ask select, .ask input[type="number"] { font: inherit; font-size: .9rem; color: var(--ink);
  background: var(--paper); border: 1px solid var(--soft); border-radius: .35rem; padding: .25rem .4rem;
  max-width: 100%; }
.ask select { width: 100%; } .ask input[type="number"] { width: 8rem; }
footer { padding-top: 2.5rem; padding-bottom: 3rem; color: var(--soft); font-size: .85rem; }
:focus-visible { outline: 2px solid currentColor; outline-offset: 2px; }
@media (max-width: 44rem) {
  main, header, footer { padding-left: .9rem; padding-right: .9rem; }
  .stack thead { position: absolute; clip-path: inset(50%); width: 1px; height: 1px; overflow: hidden; }
  .stack thead button { visibility: hidden; }
  .stack, .stack tbody, .stack tr, .stack th, .stack td { display: block; width: auto; }
  .stack th, .stack td { border-top: 0; padding: .15rem .9rem; text-align: left; white-space: normal; }
  .stack tr { border-top: 1px solid var(--line); padding: .6rem 0; }
  .stack tr.more { border-top: 0; padding-top: 0; }
  .stack tbody tr:first-child { border-top: 0; }
  .stack td[data-label]::before { content: attr(data-label) ": "; color: var(--soft); }
  .stack td.blank { display: none; }
  .stack .bar { background: none; min-width: 0; }
  dl { grid-template-columns: 1fr; gap: 0; }
  dd { margin-bottom: .6rem; }
}
@media print {
  body { background: none; } .scroll { overflow: visible; border: 0; } nav { display: none; }
  h2 { break-after: avoid; } tr { break-inside: avoid; }
}
.matrix td.mark { text-align: center; font-weight: 600; }
.matrix td.mark, .matrix thead th { padding-left: .25rem; padding-right: .25rem; }
.matrix td.mark a { display: block; color: inherit; text-decoration: none; }
.matrix td.mark.good { color: var(--good); background: var(--good-wash); }
.matrix td.mark.bad { color: var(--bad); background: var(--bad-wash); }
.matrix td.mark.open { color: var(--open); }
.matrix th[scope="col"] { font-size: .78rem; }
`;
