import { mkdir, readFile, writeFile } from "node:fs/promises";
import { dirname } from "node:path";

/** Puts a section (a heading of level 3 and its text) into a results file, in place of one of that heading. */
export async function writeSection(path: string, title: string, section: string): Promise<void> {
  await mkdir(dirname(path), { recursive: true });
  const text = await readFile(path, "utf8").catch(() => `# ${title}\n`);
  const heading = section.slice(0, section.indexOf("\n"));
  const sections = text.split(/^(?=### )/m);
  const at = sections.findIndex((one) => one.startsWith(`${heading}\n`));
  const whole = `${section.trim()}\n`;
  if (at === -1) sections.push(whole);
  else sections[at] = whole;
  await writeFile(path, `${sections.map((one) => one.trim()).join("\n\n")}\n`);
}
