// Takes the README's pictures from the built site: node e2e/shots.mjs DIRECTORY
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { launch, open } from "./harness.mjs";

const folder = process.argv[2];
await mkdir(folder, { recursive: true });
const browser = await launch();
const ends = [];
const at = { after: (end) => ends.unshift(end) };
for (const theme of ["light", "dark"]) {
  const { page } = await open(at, browser, { theme, viewport: { width: 1280, height: 800 }, deviceScaleFactor: 1.5 });
  // The rule that translates the address: the step that changes the packet for the first time.
  const slider = page.getByTestId("slider");
  const last = Number(await slider.getAttribute("max"));
  for (let step = 1; step <= last; step++) {
    await slider.fill(String(step));
    if (/DNAT/.test(await page.getByTestId("rule-current").allInnerTexts().then((texts) => texts.join()))) break;
  }
  await page.screenshot({ path: join(folder, `vitrine-${theme}.png`) });
  console.log(join(folder, `vitrine-${theme}.png`));
}
for (const end of ends) await end();
await browser.close();
