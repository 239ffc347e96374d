// Opens the page in a real browser and checks it: node look.js URL SCREENSHOT.png
// Exits with 1 and a message if the page does not show the data of the API.

'use strict';
const assert = require('node:assert');
const { execSync } = require('node:child_process');
const { chromium } = require('playwright-core');

function findBrowser() {
  for (const name of ['chromium', 'chromium-browser', 'google-chrome']) {
    try {
      return execSync(`command -v ${name}`, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }).trim();
    } catch {
      // Tries the next one.
    }
  }
  throw new Error('there is no Chromium here: apt-get install chromium');
}

async function look(url, screenshot) {
  const asRoot = process.getuid() === 0;
  const browser = await chromium.launch({
    executablePath: findBrowser(),
    args: ['--disable-gpu', '--disable-dev-shm-usage', ...(asRoot ? ['--no-sandbox'] : [])],
  });
  try {
    const page = await browser.newPage({ viewport: { width: 1400, height: 1000 } });
    const complaints = [];
    page.on('pageerror', (problem) => complaints.push(problem.message));
    page.on('console', (message) => message.type() === 'error' && complaints.push(message.text()));
    await page.goto(url);
    await page.waitForSelector('body[data-ready=yes]', { timeout: 30_000 });
    const expected = await (await page.request.get(new URL('api/destinations', url).href)).json();
    assert.ok(expected.length > 0, 'the API returns no destinations');
    assert.equal(await page.locator('#places > li').count(), expected.length, 'destinations in the list');
    assert.equal(await page.locator('#map circle').count(), expected.length, 'destinations on the map');
    assert.equal(await page.locator('#places > li strong').first().textContent(), expected[0].name);

    const wanted = expected[Math.floor(expected.length / 2)].name;
    await page.fill('#filter', wanted);
    const found = expected.filter(({ name, kind, description }) => `${name} ${kind} ${description}`.toLowerCase().includes(wanted.toLowerCase()));
    assert.equal(await page.locator('#places > li:visible').count(), found.length, `destinations named ${wanted}`);
    await page.fill('#filter', '');
    await page.locator('#map circle').first().click({ force: true });
    assert.equal(await page.locator('#places > li.chosen').count(), 1, 'a click on the map chooses a destination');
    await page.screenshot({ path: screenshot });
    assert.deepEqual(complaints, [], 'the console is silent');
    console.log(`${expected.length} destinations are shown; ${screenshot}`);
  } finally {
    await browser.close();
  }
}

look(process.argv[2], process.argv[3]).catch((problem) => {
  console.error(`look: ${problem.message}`);
  process.exit(1);
});
