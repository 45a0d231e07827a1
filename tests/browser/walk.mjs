// A driver's way through the consent, in real browsers. What a policy forbids them shows nowhere else.

import assert from 'node:assert/strict';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { chromium, firefox } from 'playwright-core';
import { start } from './cloud.mjs';

const CHROMIUM = [
  '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run',
  '--disable-background-networking', '--disable-component-update', '--disable-sync',
];
const SIZES = [{ width: 390, height: 844 }, { width: 1440, height: 900 }];
const WAIT = 20000;
const shots = process.env.SHOTS;

const cloud = await start();
let browser;
let name;

/** A tab of a new browser profile. Errors of its console are kept, to be looked at in the end. */
async function tab(context) {
  const page = await (context ?? (await browser.newContext())).newPage();
  page.setDefaultTimeout(WAIT);
  page.told = [];
  page.on('console', (message) => message.type() === 'error' && page.told.push(message.text()));
  page.on('pageerror', (error) => page.told.push(String(error)));
  page.callbacks = [];
  page.on('request', (request) => {
    if (new URL(request.url()).pathname.startsWith('/callback')) page.callbacks.push(request.url());
  });
  return page;
}

/** On the maker's page: who one is, and what one decides. */
async function decide(page, driver, decision) {
  await page.waitForURL(/\/am\/oauth2\/authorize/);
  await page.getByLabel(driver).check();
  await page.getByRole('button', { name: decision }).click();
}

/** The browser has arrived at a page of ours that says so. */
async function reads(page, title, text) {
  await page.waitForURL((url) => url.origin === cloud.url);
  await page.getByRole('heading', { name: title }).waitFor();
  if (text) assert.match(await page.locator('main').innerText(), text);
  await picture(page, title);
}

/** The browser has arrived at the operator's own site. Returns what it brings. */
async function returned(page) {
  await page.waitForURL((url) => url.href.startsWith(cloud.returnTo));
  return Object.fromEntries(new URL(page.url()).searchParams);
}

async function picture(page, title) {
  if (!shots) return;
  await mkdir(shots, { recursive: true });
  for (const size of SIZES) {
    await page.setViewportSize(size);
    const wide = await page.evaluate(() => document.documentElement.scrollWidth);
    assert.ok(wide <= size.width, `${title}: ${wide} px wide at ${size.width}`);
    const file = `${name}-${title.replace(/\W+/g, '-')}-${size.width}.png`;
    // For a picture Playwright adds a style to the page, which our pages forbid.
    const told = page.told.length;
    await page.screenshot({ path: join(shots, file) });
    await page.evaluate(() => 0);
    page.told.length = told;
  }
}

let users = 0;
/** A link of the operator's, for a user of its own. */
async function link(brand, more = { return_to: cloud.returnTo }) {
  const user = `user-${++users}`;
  const { status, body } = await cloud.api('POST', '/enrollments', { user_ref: user, brand, ...more });
  assert.equal(status, 201, JSON.stringify(body));
  return { ...body, user };
}

const confirm = ({ user }, { enrollment, confirmation }) =>
  cloud.api('POST', `/enrollments/${enrollment}/confirm`, { user_ref: user, confirmation });

/** The first data of an enrollment is there within seconds. Returns how many it took. */
async function data(id) {
  const since = Date.now();
  while (Date.now() - since < 10000) {
    const { body } = await cloud.api('GET', `/enrollments/${id}/vehicles`);
    if (body?.items?.length && body.items.every((car) => car.last_seen)) {
      return (Date.now() - since) / 1000;
    }
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
  throw new Error('no data within ten seconds of the consent');
}

const walks = {
  async 'open mode: accepted, and the first data at once'() {
    const page = await tab();
    await page.goto(`${cloud.url}/login?brand=opel`);
    await decide(page, 'Kim Vogel', 'Accept');
    await reads(page, 'Your account is connected', /Your car was found/);
    const { body } = await cloud.api('GET', '/enrollments?user_ref=open');
    await data(body.items.find((item) => item.brand === 'opel' && item.status === 'active').id);
    return [page];
  },

  async 'a backend with return_to: accepted and confirmed'() {
    const page = await tab();
    const begun = await link('peugeot');
    await page.goto(begun.login_url);
    await decide(page, 'Alex Martin', 'Accept');
    const brought = await returned(page);
    assert.equal(brought.outcome, 'connected');
    assert.equal(brought.enrollment, begun.id);
    const answer = await confirm(begun, brought);
    assert.equal(answer.status, 200, JSON.stringify(answer.body));
    await data(begun.id);
    return [page];
  },

  async 'the mailed page, and its link once more'() {
    const page = await tab();
    const begun = await link('citroen', { confirm: 'page', account_label: 'X'.repeat(80) });
    const press = async (page) => {
      await page.goto(begun.login_url);
      await reads(page, 'Connect your Citroën with Example Fleet?', /X{80}/);
      await page.getByRole('link', { name: 'Yes, connect' }).click();
      await decide(page, 'Alex Petit', 'Accept');
    };
    await press(page);
    await reads(page, 'Your account is connected', /Your car was found/);
    await press(page);
    await reads(page, 'Your account is connected', /Your car was found/);
    const other = await tab();
    await press(other);
    await reads(other, 'This link has been used already', /If that was you/);
    return [page, other];
  },
};

const more = {
  async 'open mode: an account without cars'() {
    const page = await tab();
    await page.goto(`${cloud.url}/login?brand=peugeot`);
    await decide(page, 'Noé Sans', 'Accept');
    await reads(page, 'Connected, but without a car', /has no Peugeot/);
    return [page];
  },

  async 'open mode: refused, and begun again'() {
    const page = await tab();
    await page.goto(`${cloud.url}/login?brand=ds`);
    await decide(page, 'Alex Girard', 'Refuse');
    await reads(page, 'You declined');
    await page.getByRole('link', { name: 'Start again' }).click();
    await decide(page, 'Alex Girard', 'Accept');
    await reads(page, 'Your account is connected');
    return [page];
  },

  async 'a backend with return_to: refused'() {
    const page = await tab();
    const begun = await link('peugeot');
    await page.goto(begun.login_url);
    await decide(page, 'Alex Martin', 'Refuse');
    const brought = await returned(page);
    assert.deepEqual(brought, { outcome: 'declined', enrollment: begun.id });
    return [page];
  },

  async 'connected, then back and accept again, and the callback once more'() {
    const page = await tab();
    const begun = await link('vauxhall');
    await page.goto(begun.login_url);
    await decide(page, 'Alex Smith', 'Accept');
    const brought = await returned(page);
    await page.goBack();
    await decide(page, 'Alex Smith', 'Accept');
    assert.deepEqual(await returned(page), brought, 'the first outcome');
    assert.equal((await confirm(begun, brought)).status, 200);
    await page.goto(page.callbacks[0]);
    assert.deepEqual(await returned(page), { outcome: 'connected', enrollment: begun.id });
    return [page];
  },

  async 'two tabs of one browser, each with its own login'() {
    const context = await browser.newContext();
    const [one, two] = [await tab(context), await tab(context)];
    const [first, second] = [await link('opel'), await link('peugeot')];
    await one.goto(first.login_url);
    await two.goto(second.login_url);
    await decide(one, 'Alex Becker', 'Accept');
    assert.equal((await returned(one)).enrollment, first.id);
    await decide(two, 'Camille Bernard', 'Accept');
    assert.equal((await returned(two)).enrollment, second.id);
    return [one, two];
  },

  async 'localhost instead of 127.0.0.1'() {
    const page = await tab();
    await page.goto(`http://localhost:${cloud.port}/login?brand=opel`);
    await decide(page, 'Alex Becker', 'Accept');
    await reads(page, 'Your account is connected');
    const begun = await link('ds', { confirm: 'page', account_label: 'my own' });
    await page.goto(begun.login_url.replace('127.0.0.1', 'localhost'));
    await page.getByRole('link', { name: 'Yes, connect' }).click();
    await decide(page, 'Sacha Colin', 'Accept');
    await reads(page, 'Your account is connected');
    return [page];
  },

  async 'links and addresses that lead nowhere'() {
    const page = await tab();
    for (const [path, title] of [
      ['/login?ticket=forged', 'This link does not work'],
      ['/result/nothing', 'There is no such page'],
      ['/callback/opel?state=x&code=y', 'This sign-in is no longer valid'],
      ['/result/failed', 'The connection failed'],
      ['/result/unavailable?brand=opel', 'This does not work at the moment'],
    ]) {
      await page.goto(cloud.url + path);
      await reads(page, title);
    }
    page.told = page.told.filter((text) => !/status of 40[04]/.test(text));
    return [page];
  },
};

let failed = 0;
async function play(all) {
  for (const [title, walk] of Object.entries(all)) {
    const since = Date.now();
    try {
      const pages = await walk();
      for (const page of pages) {
        assert.deepEqual(page.told, [], 'the console tells of errors');
        await page.context().close();
      }
      console.log(`ok    ${name}: ${title} (${((Date.now() - since) / 1000).toFixed(1)} s)`);
    } catch (error) {
      failed += 1;
      console.log(`FAIL  ${name}: ${title}\n${error.stack}`);
    }
  }
}

try {
  name = 'chromium';
  browser = await chromium.launch({ executablePath: '/usr/bin/chromium', args: CHROMIUM });
  await play({ ...walks, ...more });
  await browser.close();
  name = 'firefox';
  // Debian's own Firefox, by WebDriver BiDi.
  browser = await firefox.launch({ channel: 'moz-firefox', executablePath: '/usr/bin/firefox-esr' });
  await play(walks);
  await browser.close();
} finally {
  await cloud.stop();
}
if (failed > 0) {
  console.log(cloud.said());
  process.exit(1);
}
