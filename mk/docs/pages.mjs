// The book in a browser, as a reader opens it: from file://, light and dark, on a desk and on a phone. No link or anchor
// leads nowhere, no page complains, nothing sticks out at the side, pictures have words, and the search finds.
//
//   pages.mjs NPM HTML [SHOTS]     with SHOTS, leaves a PNG of what it saw there
import { existsSync, mkdirSync, readFileSync, readdirSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { check, finish, launch } from '../browser.mjs';

const [npm, html, shots] = process.argv.slice(2);

// --- links, without a browser ---

const pages = readdirSync(html).filter((name) => name.endsWith('.html'));
const anchors = new Map();
const anchorsOf = (name) => {
    if (!anchors.has(name)) {
        const text = readFileSync(join(html, name), 'utf8');
        anchors.set(name, new Set([...text.matchAll(/\b(?:id|name)="([^"]+)"/g)].map((match) => match[1])));
    }
    return anchors.get(name);
};

function checkLink(from, link) {
    if (/^(?:https?:|mailto:|javascript:|data:|#$)/.test(link)) return;
    const [path, anchor] = decodeURIComponent(link.replace(/&amp;/g, '&')).split('#');
    const target = path || from;
    if (!existsSync(join(html, target))) return check(false, `${from}: ${link} does not exist`);
    if (anchor && target.endsWith('.html')) check(anchorsOf(target).has(anchor), `${from}: ${link}: no such anchor`);
    else check(true);
}

for (const page of pages) {
    const text = readFileSync(join(html, page), 'utf8').replace(/<!--[\s\S]*?-->/g, '');
    for (const match of text.matchAll(/\b(?:href|src)="([^"]*)"/g)) checkLink(page, match[1]);
}
// The tree at the left. Only its pages: an enumerator of an enumeration without a name has no anchor.
for (const name of readdirSync(html).filter((each) => /\.js$/.test(each) && !/^navtreeindex/.test(each))) {
    for (const match of readFileSync(join(html, name), 'utf8').matchAll(/"([\w./-]+\.html)(?:#\w+)?"/g)) checkLink(name, match[1]);
}

// --- in the browser ---

const browser = await launch(npm);
const address = (name) => `file://${resolve(html, name)}`;

/** A window that tells what the pages in it complain about. */
async function openWindow(options) {
    const page = await browser.newPage(options);
    page.on('console', (message) => check(message.type() !== 'error', `${page.url()}: the console says ${message.text()}`));
    page.on('pageerror', (error) => check(false, `${page.url()}: ${error.message}`));
    return page;
}

async function look(page, name, shot) {
    await page.goto(address(name));
    const wide = await page.evaluate(() => {
        const contents = document.querySelector('div.contents');
        return contents ? contents.getBoundingClientRect().right - document.documentElement.clientWidth : 0;
    });
    check(wide <= 1, `${name} (${shot}) sticks out by ${Math.round(wide)} pixels`);
    check((await page.locator('div.contents').innerText()).trim().length > 100, `${name} is nearly empty`);
    const mute = await page.locator('figure.picture svg:not([aria-label])').count();
    check(mute === 0, `${name}: ${mute} pictures have no words`);
    const raw = await page.evaluate(() => {
        const clone = document.querySelector('div.contents').cloneNode(true);
        for (const code of clone.querySelectorAll('pre, code, .fragment, .d2h-wrapper, table.sides')) code.remove();
        return (clone.textContent.match(/\\(?:ref|snippet|htmlinclude|subpage)\b|\*\*\w|\]\(/) || [])[0];
    });
    check(!raw, `${name} shows markup: ${raw}`);
    if (shots) await page.screenshot({ path: join(shots, `${shot}.png`), fullPage: false });
}

async function search(words, expected) {
    const page = await openWindow(desk);
    await page.goto(address('index.html'));
    await page.locator('#MSearchField').click();
    await page.locator('#MSearchField').fill(words.slice(0, -1));
    await page.locator('#MSearchField').press(words.slice(-1));
    const results = page.frameLocator('#MSearchResults').locator('.SRResult:visible');
    let found = [];
    for (let tries = 0; tries < 40 && found.length === 0; tries++) {
        await page.waitForTimeout(100);
        found = await results.allInnerTexts().catch(() => []); // The results are a frame that is loaded anew at each letter.
    }
    check(found.some((text) => text.includes(expected)), `the search for "${words}" finds ${found.length} results, none with ${expected}`);
    if (shots) await page.screenshot({ path: join(shots, `search-${words.replace(/\W/g, '-')}.png`) });
    await page.close();
}

const desk = { viewport: { width: 1280, height: 900 } };
const windows = { '': desk, '-dark': { ...desk, colorScheme: 'dark' }, '-phone': { viewport: { width: 390, height: 844 } } };
if (shots) mkdirSync(shots, { recursive: true });
const shown = ['index', 'ch00', 'ch01', 'ch02', 'ch03', 'ch04', 'ch05', 'ch06', 'callbacks', 'coverage', 'fixes', 'fix05',
    'fix13', 'labs', 'lab6_1', 'article', 'files', 'annotated', 'globals', 'startio_8c', 'queue_8c'];
await Promise.all(Object.entries(windows).map(async ([kind, options]) => {
    const page = await openWindow(options);
    for (const name of shown) await look(page, `${name}.html`, `${name}${kind}`);
    await page.close();
}));
await search('VminiHwStartIo', 'VminiHwStartIo');
await search('sense data', 'ense data');
await browser.close();
finish('docs', shots);
