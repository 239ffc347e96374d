// Opens the page of a difference in a real browser: node look_at_diff.js PAGE.html DIFF.json SCREENSHOT.png
// Exits with 1 and a message if the page does not show the document's content. NODE_PATH has playwright-core.

'use strict';
const assert = require('node:assert');
const { execSync } = require('node:child_process');
const { readFileSync } = require('node:fs');
const { pathToFileURL } = require('node:url');
const { chromium } = require('playwright-core');

function findBrowser() {
  for (const name of ['chromium', 'chromium-browser', 'google-chrome']) {
    try {
      return execSync(`command -v ${name}`, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }).trim();
    } catch {
      // Try the next one.
    }
  }
  throw new Error('Chromium is not installed: apt-get install chromium');
}

const number = (text) => Number(text.replaceAll(',', ''));

// Where rows are missing, the page says how many, at their table and in all.
async function lookForMissing(page, diff) {
  const missing = diff.rows_total - diff.rows.length;
  assert.equal(await page.locator('#missing').isVisible(), missing > 0, 'a note if rows are missing');
  for (const table of diff.tables) {
    const differ = table.added + table.removed + table.changed;
    if (differ === 0) continue;
    const summary = await page.locator('#rows details').evaluateAll((all, name) =>
      all.find((one) => one.dataset.table === name).querySelector('summary').textContent, table.table);
    const said = summary.slice(table.table.length).match(/[\d,]+/g).map(number);
    assert.deepEqual(said, table.rows_shown < differ ? [table.rows_shown, differ] : [differ], summary);
    const rest = await page.locator('#rows details').evaluateAll((all, name) =>
      all.find((one) => one.dataset.table === name).querySelector('p.missing')?.textContent, table.table);
    assert.equal(rest === undefined, table.rows_shown === differ, `the option that shows the rest of ${table.table}`);
  }
}

// A table's rows are reached without a mouse.
async function useKeyboard(page) {
  await page.focus('#filter');
  await page.keyboard.press('Tab');
  const name = await page.evaluate(() => document.activeElement.closest('tr')?.dataset.table);
  assert.ok(name, 'the first table with rows is the next stop');
  const outline = await page.evaluate(() => getComputedStyle(document.activeElement).outlineStyle);
  assert.notEqual(outline, 'none', 'the focus is visible');
  await page.keyboard.press('Enter');
  const opened = await page.evaluate(() => ({ table: document.activeElement.parentElement.dataset.table, open: document.activeElement.parentElement.open }));
  assert.deepEqual(opened, { table: name, open: true }, 'Enter leads to its rows');
  await page.keyboard.press('Enter');
  assert.equal(await page.evaluate(() => document.activeElement.parentElement.open), false, 'and closes them again');
  await page.keyboard.press('Enter');
  await page.keyboard.press('Tab');
  assert.equal(await page.evaluate(() => document.activeElement.className), 'wide', 'what scrolls sideways can be scrolled');
}

// No line is wider than the screen of a phone, and what a column means is said without its head.
async function lookNarrow(page) {
  await page.setViewportSize({ width: 360, height: 740 });
  const wide = await page.evaluate(() => document.documentElement.scrollWidth);
  assert.ok(wide <= 360, `the page is ${wide} wide on a screen of 360`);
  const label = await page.evaluate(() => getComputedStyle(document.querySelector('#tables [data-kind=added]'), '::before').content);
  assert.match(label, /added/);
}

// The contrast of each text on what is behind it, as WCAG 2 has it.
async function lowestContrast(page) {
  return page.evaluate(() => {
    const channels = (colour) => colour.match(/[\d.]+/g).map(Number);
    const light = (colour) => channels(colour).slice(0, 3).map((part) => part / 255)
      .map((part) => (part <= 0.03928 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4))
      .reduce((sum, part, i) => sum + part * [0.2126, 0.7152, 0.0722][i], 0);
    const behind = (node) => {
      for (let at = node; at; at = at.parentElement) {
        const colour = getComputedStyle(at).backgroundColor;
        if (channels(colour)[3] !== 0) return colour;
      }
      return 'rgb(255, 255, 255)';
    };
    let lowest = { ratio: 21 };
    for (const node of document.querySelectorAll('main *')) {
      const hasText = [...node.childNodes].some((child) => child.nodeType === Node.TEXT_NODE && child.textContent.trim());
      if (!hasText || node.closest('svg') || !node.checkVisibility()) continue;
      const [a, b] = [light(getComputedStyle(node).color), light(behind(node))];
      const ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
      if (ratio < lowest.ratio) lowest = { ratio, text: node.textContent.slice(0, 60), class: node.className };
    }
    return lowest;
  });
}

async function look(file, document, screenshot) {
  const diff = JSON.parse(readFileSync(document, 'utf8'));
  const asRoot = process.getuid() === 0;
  const browser = await chromium.launch({
    executablePath: findBrowser(),
    args: ['--disable-gpu', '--disable-dev-shm-usage', ...(asRoot ? ['--no-sandbox'] : [])],
  });
  try {
    const page = await browser.newPage({ viewport: { width: 1300, height: 1400 }, colorScheme: 'dark' });
    const complaints = [];
    page.on('pageerror', (problem) => complaints.push(problem.message));
    page.on('console', (message) => message.type() === 'error' && complaints.push(message.text()));
    page.on('request', (request) => request.url().startsWith('file:') || complaints.push(`asks for ${request.url()}`));
    await page.goto(pathToFileURL(file).href);
    await page.waitForSelector('body[data-ready=yes]', { timeout: 30_000 });

    const shown = await page.$$eval('#tables tbody tr', (rows) => rows.map((row) => [
      row.dataset.table, ...['added', 'removed', 'changed'].map((kind) => row.querySelector(`[data-kind=${kind}]`).textContent)]));
    assert.deepEqual(shown.map(([table, ...counts]) => [table, ...counts.map(number)]),
      diff.tables.map(({ table, added, removed, changed }) => [table, added, removed, changed]), 'tables by amount of change');
    for (const kind of ['added', 'removed', 'changed']) {
      const total = diff.tables.reduce((all, table) => all + table[kind], 0);
      assert.equal(number(await page.locator(`[data-total=${kind}] b`).textContent()), total, `rows ${kind}`);
      const rows = diff.rows.filter((row) => row.kind === kind).length;
      assert.equal(await page.locator(`#rows tr.row-${kind}`).count(), rows, `rows shown as ${kind}`);
    }
    const cells = diff.rows.reduce((all, row) => all + row.changed_columns.length, 0);
    assert.equal(await page.locator('#rows td del').count(), cells, 'changed columns, side by side');
    assert.equal(await page.locator('#schema details').count(), diff.schema.length, 'objects of the schema');
    assert.ok(await page.locator('#timeline rect').count() > 0, 'a timeline');
    const titles = await page.$$eval('#timeline rect title', (all) => all.map((title) => title.textContent));
    assert.ok(titles.every((title) => title.includes('transactions')), 'which shows its transactions');

    await page.fill('#filter', diff.tables[0].table);
    assert.ok(await page.locator('#tables tbody tr:visible').count() >= 1);
    await page.fill('#filter', 'no table has this name');
    assert.equal(await page.locator('#tables tbody tr:visible').count(), 0);
    await page.fill('#filter', '');
    // The page is dark if the browser prefers dark pages.
    const back = await page.evaluate(() => getComputedStyle(document.body).backgroundColor.match(/\d+/g).map(Number));
    assert.ok(back.every((part) => part < 64), `dark: ${back}`);
    await page.screenshot({ path: screenshot, fullPage: true });

    await lookForMissing(page, diff);
    await useKeyboard(page);
    for (const scheme of ['dark', 'light']) {
      await page.emulateMedia({ colorScheme: scheme });
      const { ratio, ...where } = await lowestContrast(page);
      assert.ok(ratio >= 4.5, `contrast ${ratio} (${scheme}) at ${JSON.stringify(where)}`);
    }
    await lookNarrow(page);
    await page.screenshot({ path: screenshot.replace(/\.png$/, '-narrow.png') });
    assert.deepEqual(complaints, [], 'the console is empty, and nothing is requested');
    console.log(`${diff.tables.length} tables and ${diff.rows.length} rows are shown; ${screenshot}`);
  } finally {
    await browser.close();
  }
}

look(...process.argv.slice(2)).catch((problem) => {
  console.error(`look: ${problem.message}`);
  process.exit(1);
});
