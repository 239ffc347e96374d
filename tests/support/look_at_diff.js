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
