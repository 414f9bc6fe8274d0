// What the tests in a browser share: Chromium, driven by playwright-core out of the npm packages, and a count of what was
// checked. It knows nothing about the pages.
import { createRequire } from 'node:module';
import { resolve } from 'node:path';

/** What has been checked so far, and in words what did not hold. */
export const seen = { checks: 0, bad: [] };

export function check(good, words) {
    seen.checks++;
    if (!good) seen.bad.push(words);
}

/** Chromium, without anything that it would do on the network by itself. `npm`: where the packages are. */
export function launch(npm) {
    const { chromium } = createRequire(resolve(npm, 'package.json'))('playwright-core');

    return chromium.launch({
        executablePath: process.env.CHROMIUM || '/usr/bin/chromium',
        args: ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking',
            '--disable-component-update', '--disable-sync'],
    });
}

/** Tells how it went, and ends. `who`: the test, as its lines begin; `where`: what to look at. */
export function finish(who, where) {
    for (const words of seen.bad.slice(0, 40)) console.error(`${who}: ${words}`);
    if (seen.bad.length > 40) console.error(`${who}: and ${seen.bad.length - 40} more`);
    console.log(`${who}: ${seen.checks} checks in a browser, ${seen.bad.length} failed${where ? `; pictures in ${where}` : ''}`);
    process.exit(seen.bad.length ? 1 : 0);
}
