// Takes the README's pictures from the built site: node e2e/shots.mjs DIRECTORY
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { launch, open } from "./harness.mjs";

const folder = process.argv[2];
await mkdir(folder, { recursive: true });
const browser = await launch();
const ends = [];
const shoot = async (page, name) => {
  await page.screenshot({ path: join(folder, name) });
  console.log(join(folder, name));
};
const at = { after: (end) => ends.unshift(end) };
for (const theme of ["light", "dark"]) {
  const { page } = await open(at, browser, { theme, viewport: { width: 1280, height: 800 }, deviceScaleFactor: 1.5 });
  // Stops at the rule that translates the address.
  const last = Number(await page.getByTestId("slider").getAttribute("max"));
  for (let step = 0; step < last; step++) {
    await page.keyboard.press("ArrowRight");
    if (/DNAT/.test((await page.getByTestId("rule-current").allInnerTexts()).join())) break;
  }
  await shoot(page, `vitrine-${theme}.png`);
  // Then a lab, where the connection has just come to the container.
  await page.keyboard.press("Home");
  await page.locator("[data-testid=lab][data-lab=published-port]").first().click();
  await page.getByTestId("network").waitFor();
  const stops = Number(await page.getByTestId("slider").getAttribute("max"));
  for (let stop = 0; stop < stops; stop++) {
    await page.keyboard.press("ArrowRight");
    if (/receives a frame.*> 172\.17\.0\.2:80 syn/.test(await page.getByTestId("live").innerText())) break;
  }
  await shoot(page, `lab-${theme}.png`);
}
for (const end of ends) await end();
await browser.close();
