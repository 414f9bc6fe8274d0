// The patches of the fixes as HTML, side by side: diffs.mjs NPM OUT FILE... writes OUT/fix-NN-diff.html.
import { readFileSync, writeFileSync } from 'node:fs';
import { basename, dirname } from 'node:path';
import { createRequire } from 'node:module';

const require = createRequire(`${process.cwd()}/${process.argv[2]}/package.json`);
const { html } = require('diff2html');
const [out, ...files] = process.argv.slice(3);
for (const file of files) {
    const number = basename(dirname(file)).slice(0, 2);
    const page = html(readFileSync(file, 'utf8'), {
        outputFormat: 'side-by-side',
        drawFileList: false,
        matching: 'lines',
        colorScheme: 'light',
    });
    // diff2html makes a table for each side, whose rows drift apart where a line wraps: one table of both.
    const body = /<div class="d2h-files-diff">[\s\S]*?<tbody class="d2h-diff-tbody">([\s\S]*?)<\/tbody>[\s\S]*?<tbody class="d2h-diff-tbody">([\s\S]*?)<\/tbody>[\s\S]*?<\/table>\s*<\/div>\s*<\/div>\s*<\/div>/g;
    const merged = page.replace(body, (_, left, right) => {
        const rows = (text) => text.split('</tr>').slice(0, -1).map((row) => row.replace(/^\s*<tr>/, ''));
        const [a, b] = [rows(left), rows(right)];
        if (a.length !== b.length) throw new Error(`${file}: the sides have ${a.length} and ${b.length} rows`);
        return `<table class="d2h-diff-table">${a.map((row, i) => `<tr>${row}${b[i]}</tr>`).join('')}</table>`;
    });
    writeFileSync(`${out}/fix-${number}-diff.html`, merged.replace(/\n\s*/g, '\n').replace(/ id="[^"]*"/g, ''));
}
