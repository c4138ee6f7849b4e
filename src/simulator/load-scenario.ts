// Finds a scenario: one that comes with qos by its name, or a file.

import { readFileSync } from "node:fs";
import { Failure, messageOf } from "../failure.ts";
import { parseScenario, type Scenario } from "./scenario.ts";
import { SCENARIOS } from "./scenarios/index.ts";

/** A file larger than this is not a scenario. */
const BYTES_MAX = 1_048_576;

/**
 * @param given a name from `SCENARIOS`, or a path (anything with a slash or a dot)
 * @throws Failure with the known names, or what is wrong with the file
 */
export function loadScenario(given: string): Scenario {
  if (Object.hasOwn(SCENARIOS, given)) return parseScenario(SCENARIOS[given], given);
  if (!/[./]/.test(given)) {
    throw new Failure(
      `there is no scenario "${given}"; there are ${Object.keys(SCENARIOS).join(", ")}, or give a file`,
    );
  }
  let text: string;
  try {
    text = readFileSync(given, "utf8");
  } catch (error) {
    throw new Failure(`cannot read the scenario: ${messageOf(error)}`);
  }
  if (text.length > BYTES_MAX) throw new Failure(`${given} is too long for a scenario`);
  return parseScenario(text, given);
}
