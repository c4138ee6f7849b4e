// The report as one page that stands alone: styles, plots (uPlot) and numbers inside, no request to anywhere. The numbers
// lie in the page as JSON; names that came from the network are text there and never markup.

import uplotScript from "uplot/dist/uPlot.iife.min.js" with { type: "text" };
import uplotStyle from "uplot/dist/uPlot.min.css" with { type: "text" };
import type { Report } from "./figures.ts";
import pageStyle from "./page/page.css" with { type: "text" };
import pageScript from "./page/page.js" with { type: "text" };

/** Nothing may be fetched or sent, whatever stands in the page. */
const POLICY = "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; img-src data:";

/** @param version the program's, for the foot */
export function htmlOf(report: Report, version: string): string {
  const data = JSON.stringify({ ...report, version }).replace(/[<>&\u2028\u2029]/g, escapeCharacter);
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${POLICY}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>qos report</title>
<style>${uplotStyle}</style>
<style>${pageStyle}</style>
</head>
<body>
<main id="page"><noscript>This page draws its numbers with a script that lies inside it.</noscript></main>
<script type="application/json" id="report">${data}</script>
<script>${inlineScript(uplotScript)}</script>
<script>${inlineScript(pageScript)}</script>
</body>
</html>
`;
}

function escapeCharacter(character: string): string {
  return `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`;
}

/** A script's own text must not end its element. */
function inlineScript(script: string): string {
  return script.replace(/<\/(script)/gi, "<\\/$1");
}
