// The text of PDFs as pdf.js selects and copies it: one JSON array of texts, by page, for each file.
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';

const library = createRequire(import.meta.url).resolve('pdfjs-dist/legacy/build/pdf.js');
// It draws nothing here, and warns that it could not.
console.warn = console.log = () => {};
const { getDocument, VerbosityLevel } = (await import(library)).default;

for (const path of process.argv.slice(2)) {
  const pdf = await getDocument({ data: new Uint8Array(readFileSync(path)), verbosity: VerbosityLevel.ERRORS }).promise;
  const pages = [];
  for (let number = 1; number <= pdf.numPages; number++) {
    const { items } = await (await pdf.getPage(number)).getTextContent();
    pages.push(items.map(({ str, hasEOL }) => str + (hasEOL ? '\n' : '')).join(''));
  }
  process.stdout.write(JSON.stringify(pages) + '\n');
}
