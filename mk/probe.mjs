// The probe's page in a browser: nothing is fetched, nothing complains, nothing sticks out at the side; a wrong byte is
// explained when it is pointed at, tapped, or reached by keyboard; both drivers stand side by side where there is room, and
// what differs between them is marked.
//
//   probe.mjs NPM PAGE SHOTS     leaves a PNG of what it saw in SHOTS
import { mkdirSync } from 'node:fs';
import { resolve } from 'node:path';
import { check, finish, launch } from './browser.mjs';

const [npm, page, shots] = process.argv.slice(2);
const browser = await launch(npm);
mkdirSync(shots, { recursive: true });
const ID = 'inquiry-additional-length'; // A finding of the driver before, in one byte of a known place.

async function open(name, options) {
    const tab = await browser.newPage(options);
    tab.on('console', (message) => check(false, `${name}: the console says ${message.text()}`));
    tab.on('pageerror', (error) => check(false, `${name}: ${error.message}`));
    tab.on('request', (request) => check(request.url().startsWith('file://'), `${name}: it fetches ${request.url()}`));
    await tab.goto(`file://${resolve(page)}#${ID}`);
    await tab.waitForSelector('html[data-keys=ready]');
    const sides = await tab.evaluate(() => [document.documentElement.scrollWidth, innerWidth]);
    check(sides[0] <= sides[1], `${name}: the page is ${sides[0]} wide, the window ${sides[1]}`);
    await tab.screenshot({ path: `${shots}/${name}.png` });
    return tab;
}
const tipOf = (field) => field.evaluate((each) => {
    const tip = each.nextElementSibling;
    const box = tip.getBoundingClientRect();
    const seen = getComputedStyle(tip).display !== 'none' && box.left >= 0 && box.right <= innerWidth + 1;
    return seen ? tip.textContent : '';
});
// How well text can be read on what is behind it (WCAG 2.2, 1.4.3: 4.5 at least).
const contrasts = (tab) => tab.evaluate(() => {
    const rgb = (text) => text.match(/[\d.]+/g).slice(0, 4).map(Number);
    const light = (color) => {
        const [r, g, b] = color.map((each) => (each /= 255) <= 0.04045 ? each / 12.92 : ((each + 0.055) / 1.055) ** 2.4);
        return 0.2126 * r + 0.7152 * g + 0.0722 * b;
    };
    const behind = (each) => {
        for (; each; each = each.parentElement) {
            const color = rgb(getComputedStyle(each).backgroundColor);
            if (color.length < 4 || color[3] === 1) return color.slice(0, 3);
        }
        return [255, 255, 255];
    };
    const poor = {};
    for (const selector of ['h1', '.lead', 'td.wrong', 'td.ok', '.f.bad', '.f.changed', '.f.zero', '.badge', 'dt', 'a', 'h4']) {
        for (const each of document.querySelectorAll(selector)) {
            const pair = [light(rgb(getComputedStyle(each).color)), light(behind(each))].sort((a, b) => b - a);
            const ratio = (pair[0] + 0.05) / (pair[1] + 0.05);
            if (ratio < 4.5) poor[selector] = ratio.toFixed(2);
        }
    }
    return poor;
});

for (const colorScheme of ['light', 'dark']) {
    const name = `desk-${colorScheme}`;
    const tab = await open(name, { viewport: { width: 1280, height: 900 }, colorScheme, reducedMotion: 'reduce' });
    const poor = await contrasts(tab);
    check(Object.keys(poor).length === 0, `${name}: hard to read: ${JSON.stringify(poor)}`);
    const before = tab.locator(`[id="${ID}"] .columns > section`).first();
    const field = before.locator('.f.bad').first();
    check(await field.count() === 1, `${name}: no wrong byte in ${ID}`);
    check(await tipOf(field) === '', `${name}: an explanation that nobody has asked for`);
    await field.hover();
    check(/additional length/i.test(await tipOf(field)), `${name}: pointed at, it says "${await tipOf(field)}"`);
    await tab.screenshot({ path: `${shots}/${name}-pointed.png` });
    const boxes = await tab.locator(`[id="${ID}"] .columns > section`).evaluateAll((all) => all.map((each) => each.getBoundingClientRect().top));
    check(boxes.length === 2 && boxes[0] === boxes[1], `${name}: the two drivers do not stand side by side`);
    check(await tab.locator(`[id="${ID}"] .columns > section`).nth(1).locator('.f.changed').count() > 0,
        `${name}: what differs is not marked`);
    // By keyboard alone: from the head of the check to its first field, then along the bytes.
    await tab.mouse.move(0, 0);
    await field.focus();
    check(/additional length/i.test(await tipOf(field)), `${name}: with the focus, it says "${await tipOf(field)}"`);
    await tab.keyboard.press('ArrowRight');
    const next = tab.locator('.f:focus');
    check(await next.count() === 1 && await tipOf(next) !== '', `${name}: the arrow key leads to no explanation`);
    await tab.keyboard.press('Escape');
    check(await tipOf(next) === '', `${name}: Escape does not put the explanation away`);
    await tab.close();
}
{
    const tab = await open('phone', { viewport: { width: 390, height: 844 }, isMobile: true, hasTouch: true, reducedMotion: 'reduce' });
    const field = tab.locator(`[id="${ID}"] .f.bad`).first();
    for (const place of ['start', 'end']) { // At the window's upper and at its lower edge, where the explanation appears.
        await tab.evaluate(() => document.activeElement.blur());
        const at = await field.evaluate((each, block) => {
            each.scrollIntoView({ block });
            const box = each.getBoundingClientRect();
            return [box.left + box.width / 2, box.top + box.height / 2];
        }, place);
        await tab.touchscreen.tap(...at);
        // A tap is a touch first; the focus comes when the browser has made up its mind, then the byte moves out of the way.
        await tab.waitForFunction((each) => each === document.activeElement
            && each.getBoundingClientRect().bottom <= each.nextElementSibling.getBoundingClientRect().top,
        await field.elementHandle(), { timeout: 10000 })
            .catch(() => check(false, `phone: tapped at its ${place}, the byte has no explanation, or is hidden behind it`));
        check(/additional length/i.test(await tipOf(field)), `phone: tapped at its ${place}, it says "${await tipOf(field)}"`);
        await tab.screenshot({ path: `${shots}/phone-tapped-${place}.png` });
    }
    await tab.evaluate(() => window.scrollTo(0, 0));
    await tab.screenshot({ path: `${shots}/phone-top.png` });
    await tab.close();
}
await browser.close();
finish('probe', shots);
