// Text from outside (a database, a socket, a page in shared memory) as a terminal may show it. A terminal obeys control
// characters: a name that holds some could clear the screen, rename the window or forge a line of output.

/**
 * C0 without tab and line feed (a text of several lines is ours), DEL, C1, and what turns the direction of the text behind
 * it, so that a line reads otherwise than it is.
 */
const OBEYED = /(?![\n\t])\p{Cc}|[\u200e\u200f\u202a-\u202e\u2066-\u2069]/gu;

/** @returns the text with `?` for each character that a terminal would obey instead of show */
export function printable(text: string): string {
  return text.replace(OBEYED, "?");
}

/** JSON's text with those characters escaped: a program reads the same value, and a terminal shows it. */
export function printableJson(json: string): string {
  return json.replace(OBEYED, (one) => `\\u${one.charCodeAt(0).toString(16).padStart(4, "0")}`);
}

/** @returns the same on one line: line ends and tabs become spaces */
export function printableLine(text: string): string {
  return printable(text.replace(/[\n\t]/g, " "));
}
