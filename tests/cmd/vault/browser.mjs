// A person at a browser (npm puppeteer-core, Chromium): logs in, agrees, and waits for the page that says it is done.
// Arguments: the directory of npm packages, Chromium, the address, the directory of its profile.
import { pathToFileURL } from 'node:url';

const [packages, chromium, address, profile] = process.argv.slice(2);
const { default: puppeteer } = await import(
  pathToFileURL(`${packages}/puppeteer-core/lib/esm/puppeteer/puppeteer-core.js`));
const browser = await puppeteer.launch({
  executablePath: chromium, headless: true, userDataDir: profile,
  args: ['--no-sandbox', '--disable-gpu', '--disable-dev-shm-usage'],
});
const page = await browser.newPage();
await page.goto(address);
await page.type('input[name=login]', 'tea-drinker');
await page.type('input[name=password]', 'any');
await Promise.all([page.waitForNavigation(), page.click('button[type=submit]')]);
await Promise.all([page.waitForNavigation(), page.click('button[type=submit]')]);
console.log(page.url().split('?')[0], await page.title());
await browser.close();
